"""Distillation: a finished model, which may see plain images, shows what to answer. The creator owns both."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from veilseg.errors import UsageError
from veilseg.models import SegmentationModel, load_model
from veilseg.models.networks.protocol import HasTokenLayer
from veilseg.training.inputs import input_transform
from veilseg.training.losses import answer_loss, token_loss
from veilseg.training.recipe import MethodSection


class Teacher:
    """The model in `method.teacher` and what it asks of a student of the same classes.

    It is no torch module, so that it is neither trained nor written into checkpoints. Its images reach it in its own
    form (inputs.input_transform), so its input layer is switched off. Raises UsageError when
    classes, or for the token loss the widths of the last feature maps, differ.
    """

    def __init__(self, method: MethodSection, student: SegmentationModel) -> None:
        assert method.teacher is not None
        self.method = method
        self.model = load_model(method.teacher).requires_grad_(False)
        if self.model.config.classes != student.config.classes:
            raise UsageError("the teacher has other classes than the data", "train a teacher on this data")
        if self.model.prepare is not None:
            self.model.prepare.enabled = False
        self.model.to(memory_format=torch.channels_last)
        self.transform = input_transform(self.model.config.input)
        if method.tokens:
            self._check_tokens(student)

    @contextmanager
    def watch(self, model: SegmentationModel) -> Iterator[list[Tensor]]:
        """A list that holds the model's last feature map after a forward pass, where the recipe asks for tokens."""
        seen: list[Tensor] = []
        if not self.method.tokens:
            yield seen
            return
        handle = _token_layer(model).register_forward_hook(lambda module, inputs, output: seen.append(output))
        try:
            yield seen
        finally:
            handle.remove()

    @torch.no_grad()
    def answer(self, image: Tensor) -> Tensor:
        """Log probabilities of one whole image, uint8 [1, 3, H, W], and its mirror image: float16 [K, H/2, W/2].

        Asked once per image, where the other way asks once per crop; in bfloat16 on a GPU.
        """
        self.model.to(image.device)
        height, width = image.shape[-2:]
        below, right = (-side % self.model.config.size_multiple for side in (height, width))
        padded = F.pad(image.float(), (0, right, 0, below), mode="reflect").to(torch.uint8)
        mixed = image.device.type == "cuda"
        total = torch.zeros((), device=image.device)
        training = self.model.training
        self.model.eval()
        for shown, flip in ((padded, False), (padded.flip(-1), True)):
            with torch.autocast("cuda", torch.bfloat16, enabled=mixed):
                scores = self.model(self.transform(shown, [0]))
            probabilities = scores.float().softmax(1)
            total = total + (probabilities.flip(-1) if flip else probabilities)[..., :height, :width] / 2
        self.model.train(training)
        halved = F.adaptive_avg_pool2d(total, (-(-height // 2), -(-width // 2)))
        return halved[0].clamp(min=1e-7).log().half()

    def loss(self, shown: Tensor, scores: Tensor, tokens: list[Tensor]) -> Tensor:
        """What separates the student from the teacher: a scalar.

        shown: images as the teacher reads them, uint8 [N, 3, H, W], or its answers, float [N, K, h, w]; scores: the
        student's, float [N, K, h, w]; tokens: what `watch` saw of the student.
        """
        if self.method.answers == "image":
            return self.method.logits * answer_loss(scores.float(), shown)
        self.model.to(shown.device)
        with torch.no_grad(), self.watch(self.model) as wanted:
            answer, _ = self.model.forward_train(shown)
        loss = self.method.logits * answer_loss(scores.float(), answer.float())
        if self.method.tokens:
            loss = loss + self.method.tokens * token_loss(tokens[0].float(), wanted[0].float())
        return loss

    def _check_tokens(self, student: SegmentationModel) -> None:
        side = math.lcm(student.config.size_multiple, self.model.config.size_multiple)
        shapes = []
        for model in (student, self.model):
            training = model.training
            with torch.no_grad(), self.watch(model.eval()) as seen:
                model.forward_train(torch.zeros(1, 3, side, side, dtype=torch.uint8))
            model.train(training)
            shapes.append(seen[0].shape)
        if shapes[0] != shapes[1]:
            raise UsageError(
                "the last feature maps of teacher and student differ in shape",
                "use the same architecture for both, or method.tokens=0",
            )


def _token_layer(model: SegmentationModel) -> nn.Module:
    if not isinstance(model.network, HasTokenLayer):
        raise UsageError(f"{model.config.architecture} has no token layer", "use method.tokens=0")
    return model.network.token_layer
