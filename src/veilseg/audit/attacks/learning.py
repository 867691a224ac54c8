"""Training of the learned attacks on the attacker's own pairs: seeded, resumed after an interruption, on the CPU."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from veilseg.audit.attacks.networks import Critic, Inverse
from veilseg.audit.base import Evidence, Pixels, Stored
from veilseg.audit.picture import grey, means, visible
from veilseg.data.scenes.dataset import SceneData

SCENE_SEED = 90210
"""Of the generated scenes that the attacker trains on: a seed that no audit uses."""
SAVE_EVERY = 100
ADVERSARIAL = 0.01

Features = Callable[[Stored], NDArray[np.float32]]
"""Stored values [H, W, 3] to features [C, H / side, W / side], 0..1."""


@dataclass
class _State:
    inverse: Inverse
    optimizer: torch.optim.Optimizer
    critic: Critic | None
    critic_optimizer: torch.optim.Optimizer | None

    def parts(self) -> dict[str, Any]:
        named = {"inverse": self.inverse, "optimizer": self.optimizer}
        if self.critic is not None and self.critic_optimizer is not None:
            named |= {"critic": self.critic, "critic_optimizer": self.critic_optimizer}
        return named


def train_inverse(name: str, evidence: Evidence, features: Features, *, adversarial: bool = False) -> Inverse:
    """Train a network that undoes the cipher, on public photographs and generated scenes encrypted with own keys.

    L1 loss; adversarial=True adds a critic (hinge loss). Step i draws from the seed and i alone, so an interrupted
    training goes on to the same weights from the last of its checkpoints.
    """
    assert evidence.own is not None
    part = evidence.training
    side = evidence.cipher.spec.cell
    pool = [*evidence.references, *(_scene(i) for i in range(part.scenes))]
    crop = max(part.crop // evidence.cipher.spec.block, 1) * evidence.cipher.spec.block
    pool = [image for image in pool if min(image.shape[:2]) >= crop]
    channels = features(evidence.own(pool[0][:crop, :crop])).shape[0]
    torch.manual_seed(evidence.seed)
    state = _new_state(Inverse(channels, side, part.width), Critic(part.width) if adversarial else None)
    path = None if part.folder is None else part.folder / f"{name}-{_identity(evidence, pool)}.pt"
    for step in range(_resume(state, path), part.steps):
        inputs, truth = _batch(evidence, features, pool, crop, side, step)
        _descend(state, inputs, truth, step / part.steps)
        part.progress(name, step + 1, part.steps)
        if path is not None and ((step + 1) % SAVE_EVERY == 0 or step + 1 == part.steps):
            _save(state, path, step + 1)
    return state.inverse.eval()


@torch.no_grad()
def invert(inverse: Inverse, stored: Stored, features: Features) -> Pixels:
    """The network's picture of one encrypted image: uint8 [H, W, 3]."""
    out = inverse(*_inputs([stored], features, inverse.side))[0]
    pixels = (out.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0)
    return np.ascontiguousarray(pixels.numpy())


@lru_cache(maxsize=256)
def _scene(index: int) -> Pixels:
    return SceneData(index + 1, SCENE_SEED)[index].image


def _new_state(inverse: Inverse, critic: Critic | None) -> _State:
    optimizer = torch.optim.AdamW(inverse.parameters(), 1e-3)
    return _State(inverse, optimizer, critic, None if critic is None else torch.optim.AdamW(critic.parameters(), 4e-4))


def _batch(
    evidence: Evidence, features: Features, pool: list[Pixels], crop: int, side: int, step: int
) -> tuple[tuple[Tensor, Tensor], Tensor]:
    assert evidence.own is not None
    rng = np.random.default_rng([evidence.seed, step])
    plain = []
    for index in rng.integers(len(pool), size=evidence.training.batch).tolist():
        image = pool[index]
        top, left = (int(rng.integers(extent - crop + 1)) for extent in image.shape[:2])
        patch = image[top : top + crop, left : left + crop]
        plain.append(np.ascontiguousarray(patch[:, ::-1] if rng.random() < 0.5 else patch))
    truth = torch.from_numpy(np.stack(plain)).permute(0, 3, 1, 2).float() / 255
    return _inputs([evidence.own(patch) for patch in plain], features, side), truth


def _inputs(stored: list[Stored], features: Features, side: int) -> tuple[Tensor, Tensor]:
    small = [means(grey(visible(one))[..., None], side)[..., 0] / 255 for one in stored]
    return (
        torch.from_numpy(np.stack([features(one) for one in stored])),
        torch.from_numpy(np.stack(small)[:, None]).float(),
    )


def _descend(state: _State, inputs: tuple[Tensor, Tensor], truth: Tensor, done: float) -> None:
    for group in state.optimizer.param_groups:
        group["lr"] = 1e-3 * (1 - done)
    made = state.inverse(*inputs)
    loss = F.l1_loss(made, truth)
    if state.critic is not None and state.critic_optimizer is not None:
        score = F.relu(1 - state.critic(truth)).mean() + F.relu(1 + state.critic(made.detach())).mean()
        state.critic_optimizer.zero_grad()
        score.backward()
        state.critic_optimizer.step()
        loss = loss - ADVERSARIAL * state.critic(made).mean()
    state.optimizer.zero_grad()
    loss.backward()
    state.optimizer.step()


def _resume(state: _State, path: Path | None) -> int:
    if path is None or not path.exists():
        return 0
    saved = torch.load(path, weights_only=True)  # written by this module
    for name, part in state.parts().items():
        part.load_state_dict(saved[name])
    return int(saved["step"])


def _save(state: _State, path: Path, step: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    torch.save({"step": step, **{name: part.state_dict() for name, part in state.parts().items()}}, beside)
    beside.replace(path)


def _identity(evidence: Evidence, pool: list[Pixels]) -> str:
    """Names a training: two that differ in anything that matters never share a checkpoint."""
    part = evidence.training
    content = hashlib.sha256(repr((evidence.cipher.spec.to_dict(), evidence.seed, part.steps, part.batch)).encode())
    content.update(repr((part.crop, part.width)).encode())
    for image in pool:
        content.update(image.tobytes())
    return content.hexdigest()[:16]
