"""OpenMMLab's checkpoints, converted, against an independent forward pass over the checkpoint's own tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.models.encrypted import KEYS, encrypt_blocks
from tests.models.openmmlab_reference import HEADS, forward, pixels, random_state, saved
from veilseg.cli.main import main
from veilseg.errors import InvalidModelError
from veilseg.models import encrypt_model, load_model, save_model
from veilseg.models.openmmlab.convert import import_openmmlab


@pytest.mark.parametrize("convs", [1, 2])
@pytest.mark.parametrize("size", [(64, 64), (32, 80), (96, 64)])
@pytest.mark.parametrize("decoder", ["naive", "pup", "mla"])
@torch.no_grad()
def test_the_forward_pass_is_openmmlabs(decoder: str, size: tuple[int, int], convs: int, tmp_path: Path) -> None:
    if decoder == "mla" and convs == 2:
        convs = 1
    state = random_state(decoder, auxiliary_convs=convs)
    model = import_openmmlab(saved(tmp_path / "a.pth", state), heads=HEADS)
    images = pixels(*size)
    wanted, auxiliary = forward(state, decoder, images, heads=HEADS, taps=(0, 1, 2, 3), grid=(4, 4))
    assert wanted.std(dim=(2, 3)).mean() > 0.05, "maps without structure would hide errors"
    assert (model(images) - wanted).abs().max() < 2e-4 * wanted.std()
    _, got = model.forward_train(images)
    assert len(got) == len(auxiliary) == (4 if decoder == "mla" else 3)
    for a, b in zip(got, auxiliary, strict=True):
        assert a.shape == b.shape
        assert (a - b).abs().max() < 2e-4 * b.std()
    # Saved and loaded again, and encrypted: still the same.
    save_model(model, tmp_path / "ours")
    assert torch.equal(load_model(tmp_path / "ours")(images), model(images))
    encrypted_model = encrypt_model(model, KEYS[0])
    stored = encrypt_blocks(images, "patch-permutation", KEYS[0], 16)
    assert (encrypted_model(stored) - wanted).abs().max() < 2e-4 * wanted.std()


@pytest.mark.parametrize(("depth", "decoder", "taps"), [
    (12, "naive", (2, 5, 8, 11)), (12, "mla", (2, 5, 8, 11)), (24, "pup", (9, 14, 19, 23)), (24, "mla", (5, 11, 17, 23))
])  # fmt: skip
@torch.no_grad()
def test_taps_and_heads_of_vit_b_and_vit_l(depth: int, decoder: str, taps: tuple[int, ...], tmp_path: Path) -> None:
    state = random_state(decoder, depth=depth, width=128, channels=8)
    model = import_openmmlab(saved(tmp_path / "a.pth", state))
    assert tuple(model.config.arguments["taps"]) == taps
    assert model.config.arguments["num_heads"] == 2  # one per 64 of the width
    # In float64, where nothing is left to rounding over 24 blocks; the statistics are folded in float32, though.
    images = pixels(64, 48)
    exact = {name: value.double() if value.is_floating_point() else value for name, value in state.items()}
    wanted, _ = forward(exact, decoder, images, heads=2, taps=taps, grid=(4, 4))
    assert (model.double()(images) - wanted).abs().max() < 1e-4 * wanted.std()


def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names of early versions (timm's, from before OpenMMLab's own attention), in a parallel wrapper."""
    pairs = (
        ("backbone.layers.", "backbone.blocks."), (".ln1.", ".norm1."), (".ln2.", ".norm2."),
        (".attn.attn.in_proj_", ".attn.qkv."), (".attn.attn.out_proj.", ".attn.proj."),
        (".ffn.layers.0.0.", ".mlp.fc1."), (".ffn.layers.1.", ".mlp.fc2."), (".projection.", ".proj."),
    )  # fmt: skip
    result = {}
    for name, value in state.items():
        for new, old in pairs:
            name = name.replace(new, old)
        result[f"module.{name}"] = value
    return result


@torch.no_grad()
def test_older_names_and_bare_state_dicts(tmp_path: Path) -> None:
    state = random_state("naive")
    torch.save(renamed(state), tmp_path / "old.pth")
    first = import_openmmlab(tmp_path / "old.pth", heads=HEADS)
    for name in [name for name in state if name.endswith("num_batches_tracked")]:
        del state[name]
    second = import_openmmlab(saved(tmp_path / "new.pth", state), heads=HEADS)
    assert torch.equal(first(pixels(64, 64)), second(pixels(64, 64)))


@pytest.mark.parametrize("version", ["0.x", "1.x"])
@torch.no_grad()
def test_the_config_in_the_checkpoint_counts(version: str, tmp_path: Path) -> None:
    """Heads, taps, an oblong table of positions, interpolation, class names: none of them is in the tensors."""
    state = random_state("naive", depth=6, grid=(2, 6))
    text = (
        "norm_cfg = dict(type='SyncBN', requires_grad=True)\n"
        "model = dict(type='EncoderDecoder', pretrained=None, backbone=dict(type='VisionTransformer',"
        "img_size=(32, 96), num_heads=8, out_indices=(1, 2, 3, 4), interpolate_mode='bicubic', with_cls_token=True,"
        "norm_cfg=dict(type='LN', eps=1e-06, requires_grad=True)),"
        "decode_head=dict(type='SETRUPHead', up_scale=4, align_corners=False, norm_cfg=norm_cfg))\n"
        "lr_config = dict(policy='poly', by_epoch=__import__('os').getpid())\n"
    )
    names, palette = list("abcde"), [[i, i, i] for i in range(5)]
    meta: dict[str, Any] = (
        {"config": text, "CLASSES": names, "PALETTE": palette}
        if version == "0.x"
        else {"cfg": text, "dataset_meta": {"classes": tuple(names), "palette": palette}}
    )
    model = import_openmmlab(saved(tmp_path / "a.pth", state, meta=meta))
    assert model.config.classes == tuple(names)
    assert model.config.palette[3] == (3, 3, 3)
    images = pixels(64, 64)
    setting: dict[str, Any] = {"heads": 8, "taps": (1, 2, 3, 4), "grid": (2, 6)}
    wanted, _ = forward(state, "naive", images, mode="bicubic", **setting)
    assert (model(images) - wanted).abs().max() < 2e-4 * wanted.std()
    silent = {k: v.replace("interpolate_mode='bicubic', with_cls_token=True,", "") if isinstance(v, str) else v
              for k, v in meta.items()}  # fmt: skip
    assert silent != meta
    assert torch.equal(import_openmmlab(saved(tmp_path / "b.pth", state, meta=silent))(images), model(images))
    other, _ = forward(state, "naive", images, mode="bilinear", **setting)
    assert (other - wanted).abs().max() > 1e-2 * wanted.std()
    for old, new, words in (
        ("up_scale=4", "up_scale=2", "up_scale"),
        ("eps=1e-06", "eps=1e-05", "eps"),
        ("norm_cfg=dict(type='LN', eps=1e-06, requires_grad=True)", "", "eps"),
        ("align_corners=False", "align_corners=True", "align_corners"),
        ("(32, 96)", "(32, 64)", "positions for 12"),
    ):
        changed = {key: value.replace(old, new) if isinstance(value, str) else value for key, value in meta.items()}
        with pytest.raises(InvalidModelError, match=words):
            import_openmmlab(saved(tmp_path / "b.pth", state, meta=changed))


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    state = random_state("pup")
    path = tmp_path / "a.pth"
    with pytest.raises(InvalidModelError, match=r"1 unknown: backbone\.ln1\.weight"):
        import_openmmlab(saved(path, {**state, "backbone.ln1.weight": torch.ones(32)}), heads=HEADS)
    missing = {name: value for name, value in state.items() if name != "decode_head.up_convs.2.0.bn.running_var"}
    with pytest.raises(InvalidModelError, match=r"missing: decode_head\.up_convs\.2\.0\.bn\.running_var"):
        import_openmmlab(saved(path, missing), heads=HEADS)
    gap = {name: value for name, value in state.items() if name != "backbone.layers.0.ln1.weight"}
    with pytest.raises(InvalidModelError, match=r"1 unknown: extra; 1 missing: backbone\.layers\.0\.ln1\.weight"):
        import_openmmlab(saved(path, {**gap, "extra": torch.ones(1)}), heads=HEADS)
    odd = {**state, "backbone.layers.1.ln2.bias": torch.ones(7)}
    with pytest.raises(InvalidModelError, match=r"another shape: backbone\.layers\.1\.ln2\.bias"):
        import_openmmlab(saved(path, odd), heads=HEADS)
    odd = {**gap, "extra": torch.ones(1), "backbone.layers.1.ln2.bias": torch.ones(7)}
    with pytest.raises(InvalidModelError, match=r"1 unknown: extra; 1 missing: .*weight; 1 of another shape: .*bias"):
        import_openmmlab(saved(path, odd), heads=HEADS)
    twice = random_state("pup", auxiliary_convs=2)
    del twice["auxiliary_head.0.up_convs.0.0.conv.weight"]
    with pytest.raises(
        InvalidModelError, match=r"fit, 1 missing: auxiliary_head\.0\.up_convs\.0\.0\.conv\.weight \(hint"
    ):
        import_openmmlab(saved(path, twice), heads=HEADS)
    with pytest.raises(InvalidModelError, match="no SETR"):
        import_openmmlab(saved(path, {"backbone.conv1.weight": torch.ones(1)}))
    with pytest.raises(InvalidModelError, match="no square"):
        import_openmmlab(saved(path, random_state("pup", grid=(2, 6))), heads=HEADS)
    assert import_openmmlab(path, heads=HEADS, image_size=(32, 96)).config.arguments["image_size"] == [32, 96]
    with pytest.raises(InvalidModelError, match="heads"):
        import_openmmlab(saved(path, state), heads=5)


def stated(model: str, more: str = "") -> dict[str, Any]:
    """A checkpoint's config with these settings of the model beside what is always stated."""
    backbone = "num_heads=4, norm_cfg=dict(type='LN', eps=1e-06)"
    return {"cfg": f"{more}\nmodel = dict(backbone=dict({backbone}), {model})"}


@pytest.mark.parametrize("more", [
    "data_preprocessor = dict(mean=[127.5, 1, 2], std=[3, 4, 5.5], bgr_to_rgb=True)",
    "img_norm_cfg = dict(mean=[127.5, 1, 2], std=[3, 4, 5.5], to_rgb=True)",
])  # fmt: skip
@torch.no_grad()
def test_statistics_of_the_config_count(more: str, tmp_path: Path) -> None:
    state, images = random_state("naive"), pixels(64, 64)
    known = {"data_preprocessor.mean": torch.tensor([127.5, 1, 2]), "data_preprocessor.std": torch.tensor([3, 4, 5.5])}
    model = import_openmmlab(saved(tmp_path / "a.pth", state, meta=stated("", more)))
    same = import_openmmlab(saved(tmp_path / "b.pth", {**state, **known}, meta=stated("")))
    usual = import_openmmlab(saved(tmp_path / "c.pth", state, meta=stated("")))
    assert torch.equal(model(images), same(images))
    assert not torch.allclose(model(images), usual(images))
    other = {name: 2 * value for name, value in known.items()}  # OpenMMLab does not read them: its config counts
    both = import_openmmlab(saved(tmp_path / "d.pth", {**state, **other}, meta=stated("", more)))
    assert torch.equal(model(images), both(images))
    for old, new in (("_rgb=True", "_rgb=False"), ("[3, 4, 5.5]", "[3, 4]")):
        with pytest.raises(InvalidModelError):
            import_openmmlab(saved(tmp_path / "a.pth", state, meta=stated("", more.replace(old, new))))


@pytest.mark.parametrize(("decoder", "model", "words"), [
    ("naive", "decode_head=dict(act_cfg=dict(type='GELU'))", "decode_head.act_cfg"),
    ("naive", "decode_head=dict(in_index=1)", "in_index"),
    ("mla", "decode_head=dict(in_index=(0, 1, 2))", "in_index"),
    ("mla", "neck=dict(type='MLANeck', out_channels=8)", "neck.act_cfg"),
    ("naive", "backbone=dict(act_cfg=dict(type='ReLU'), norm_cfg=dict(eps=1e-6))", "backbone.act_cfg"),
    ("naive", "backbone=dict(img_size='x', num_heads=4, norm_cfg=dict(eps=1e-6))", "img_size"),
    ("naive", "backbone=dict(out_indices='ab', num_heads=4, norm_cfg=dict(eps=1e-6))", "out_indices"),
])  # fmt: skip
def test_what_would_change_the_answer_is_refused(decoder: str, model: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidModelError, match=words):
        import_openmmlab(saved(tmp_path / "a.pth", random_state(decoder), meta={"cfg": f"model = dict({model})"}))


@torch.no_grad()
def test_usual_heads_and_necks_and_one_tap(tmp_path: Path) -> None:
    neck = "neck=dict(act_cfg=dict(type='ReLU')), decode_head=dict(in_index=(0, 1, 2, 3))"
    import_openmmlab(saved(tmp_path / "a.pth", random_state("mla"), meta=stated(neck)))
    state = {name: value for name, value in random_state("naive").items() if not name.startswith("auxiliary_head.")}
    meta = stated("decode_head=dict(in_index=-1)")
    meta["cfg"] = meta["cfg"].replace("num_heads", "out_indices=-1, num_heads")
    model = import_openmmlab(saved(tmp_path / "b.pth", state, meta=meta))
    assert model.config.training["auxiliary_heads"] == "untrained"
    wanted, _ = forward(random_state("naive"), "naive", pixels(64, 64), heads=HEADS, taps=(0, 1, 2, 3), grid=(4, 4))
    assert (model(pixels(64, 64)) - wanted).abs().max() < 2e-4 * wanted.std()


@pytest.mark.parametrize("odd", [
    {"dataset_meta": [1]}, {"CLASSES": 5, "PALETTE": [None] * 5}, {"CLASSES": [1] * 5, "PALETTE": [[300] * 3] * 5},
    {"CLASSES": None, "PALETTE": [[float("inf")] * 3] * 5}, {"cfg": [1], "dataset_meta": {"palette": torch.ones(5, 3)}},
    {"cfg": "x = " + "-" * 1500 + "1"},
])  # fmt: skip
def test_odd_names_and_colours_are_ignored(odd: dict[str, Any], tmp_path: Path) -> None:
    model = import_openmmlab(saved(tmp_path / "a.pth", random_state("naive"), meta=odd), heads=HEADS)
    assert model.config.classes == tuple(f"class {index}" for index in range(5))


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "a.pth", random_state("mla", grid=(2, 6)))
    assert main(["import-openmmlab", "a.pth", "-o", "out", "--heads", "4"]) == 1
    assert "--image-size" in capsys.readouterr().err
    command = ["import-openmmlab", "a.pth", "-o", "out", "--heads", "4", "--image-size", "32x96"]
    assert main(command) == 0
    told = capsys.readouterr().err
    assert "pickle" in told
    assert "untrained" not in told
    model = load_model("out")
    assert model.config.architecture == "setr-mla"
    assert model.config.training["source"] == "OpenMMLab"
    assert main(command) == 1
    assert main([*command[:-1], "32"]) == 2
    assert main(["import-openmmlab", "none.pth", "-o", "other"]) == 1


def test_the_command_tells_of_heads_that_stay_untrained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = {name: value for name, value in random_state("naive").items() if not name.startswith("auxiliary_head.")}
    file = saved(tmp_path / "a.pth", state)
    assert main(["import-openmmlab", str(file), "-o", str(tmp_path / "out"), "--heads", str(HEADS)]) == 0
    assert "auxiliary heads" in capsys.readouterr().err
