"""The whole audit: what comes out for people and for machines, the same for the same seed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veilseg import cipher
from veilseg.audit import registry
from veilseg.audit.base import Attack, Evidence, Finding
from veilseg.audit.cipher_audit import audit_cipher
from veilseg.audit.registry import ATTACKS, choose
from veilseg.audit.report.json_report import to_dict
from veilseg.audit.samples import AuditSample, open_references, open_samples
from veilseg.audit.scoring import MAX_PSNR, compare
from veilseg.errors import UsageError

QUICK = ["look", "thumbnail", "brute-force", "known-plaintext"]


@pytest.fixture
def photographs(tmp_path: Path, samples: list[AuditSample]) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for sample in samples[:2]:
        Image.fromarray(sample.image[:100, :150]).save(folder / f"{sample.name}.png")
    return folder


def timeless(report: dict) -> str:
    return re.sub(r'"(processor_seconds|seconds|keys_per_second|milliseconds_to_the_key)": [\d.e+]+|"2\^\d+"', "",
                  json.dumps(report))  # fmt: skip


def test_the_same_seed_gives_the_same_report_and_another_another_key(samples, references) -> None:
    def report(seed: int) -> str:
        made = audit_cipher(cipher("subblock-shuffle"), samples[:1], choose(QUICK), references, seed=seed)
        return timeless(to_dict([made], references))

    assert report(1) == report(1)
    assert report(1) != report(2)


@pytest.mark.parametrize(("name", "attack"), [("shf", "known-plaintext"), ("np", "feature-reconstruction"),
                                              ("ffx", "feature-reconstruction")])  # fmt: skip
def test_conventional_ciphers_fall(samples, references, name: str, attack: str) -> None:
    result = audit_cipher(cipher(name, 4), samples, choose(["look", attack]), references)
    look, opened = result.attacks
    assert result.best == (opened, opened.best)
    assert look.best is not None
    assert look.best.mean.ssim < 0.5
    assert opened.best is not None
    assert opened.best.mean.ssim > 0.7
    assert (opened.key or {}).get("key_recovered") is (True if name == "shf" else None)


def test_verb_writes_page_and_figures(cli, photographs: Path) -> None:
    arguments = ["audit", "--images", photographs, "--cipher", "patch-permutation", "--block", "8", "-o", "out"]
    for name in QUICK:
        arguments += ["--attack", name]
    done = cli(*arguments)
    assert done.code == 0, done.err
    assert "known-plaintext" in done.text
    assert "recovered" in done.text
    report = json.loads(Path("out/audit.json").read_text())
    assert report["command"].startswith("veilseg audit") or report["command"]
    assert report["seed"] == 0
    assert report["images"]["count"] == 2
    assert "weights" in report["metrics"]["lpips"]
    (only,) = report["ciphers"]
    assert only["best"] == {"attack": "known-plaintext", "ssim": 1.0}
    found = {attack["name"]: attack for attack in only["attacks"]}
    assert found.keys() == set(QUICK)
    assert found["known-plaintext"]["key"]["key_recovered"] is True
    assert len(found["look"]["reconstructions"]["as sent"]["each_image"]) == 2
    page = Path("out/index.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) == 1 + 4  # the photograph, and what three attacks made of it
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "<script" not in page
    again = cli(*arguments)
    assert again.code == 1
    assert "exists already" in again.err


def test_attacks_without_a_picture_are_reported_too(cli, photographs: Path) -> None:
    cli("audit", "--images", photographs, "--attack", "brute-force", "--cipher", "shf", "-o", "out")
    entry = json.loads((photographs.parent / "out" / "audit.json").read_text())["ciphers"][0]
    assert entry["best"] is None
    assert [attack["name"] for attack in entry["attacks"]] == ["brute-force"]
    assert "no picture" in (photographs.parent / "out" / "index.html").read_text()


def test_all_ciphers_in_one_report(cli, photographs: Path) -> None:
    done = cli("audit", "--images", photographs, "--all", "--attack", "look", "--no-recognition", "--limit", "1")
    assert done.code == 0, done.err
    report = json.loads(Path("audit/audit.json").read_text())
    names = [(entry["cipher"]["cipher"], entry["cipher"].get("sub_block")) for entry in report["ciphers"]]
    assert ("subblock-sort", 16) in names
    assert ("patch-rotation", None) in names
    assert len(names) == len(set(names)) >= 11


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images", "nowhere"], "no folder nowhere"),
        (["--images", "scenes:1", "--attack", "magic"], "no attack 'magic'"),
        (["--images", "scenes:1", "--attack", "brute-force"], "says nothing about subblock-sort"),
        (["--images", "scenes:1", "--all", "--sub-block", "4"], "--all chooses"),
        (["--images", "scenes:1", "--all", "--cipher", "subblock-sort"], "--all takes every cipher"),
        (["--images", "scenes:1", "--steps", "9"], "none is chosen"),
        (["--images", "scenes:1", "--attack", "look", "--learned", "--steps", "9"], "none is chosen"),
        (["--images", "scenes:1", "--references", "nowhere"], "no image in nowhere"),
    ],
)
def test_wrong_arguments_are_refused_before_any_work(cli, arguments: list[str], message: str) -> None:
    done = cli("audit", *arguments)
    assert done.code == 2
    assert message in done.err
    assert "hint:" in done.err


@pytest.mark.parametrize(("damaged", "message"), [(True, "odd.png: this is not an image"),
                                                  (False, "odd.png: the image is transparent")])  # fmt: skip
def test_refused_references_are_named(cli, photographs: Path, damaged: bool, message: str) -> None:
    odd = photographs.with_name("odd") / "odd.png"
    odd.parent.mkdir()
    if damaged:
        odd.write_bytes(b"no picture")
    else:
        Image.new("RGBA", (64, 64), (0, 0, 0, 9)).save(odd)
    arguments = ["--images", photographs, "--references", odd.parent, "--attack", "look", "--no-recognition"]
    done = cli("audit", *arguments)
    assert done.code == 1
    assert message in done.err
    assert "hint:" in done.err


def test_images_that_cannot_be_read_are_left_out(photographs: Path) -> None:
    (photographs / "odd.png").write_bytes(b"no picture")
    Image.new("RGB", (5, 90)).save(photographs / "small.png")
    with (
        pytest.warns(UserWarning, match=r"odd.png is left out: this is not an image"),
        pytest.warns(UserWarning, match=r"small.png is left out: 32 pixels a side are the least"),
    ):
        assert len(open_samples(str(photographs), 5)) == 2


def test_every_attack_says_what_it_needs_and_costs() -> None:
    for name, attack in ATTACKS.items():
        assert attack.name == name
        assert attack.needs
        assert attack.cost
    assert not any(attack.learned for attack in choose(None))
    assert [attack.name for attack in choose(None, learned=True)] == list(ATTACKS)


class Flat(Attack):
    """Takes every image for one grey."""

    name = "flat"
    needs = cost = "nothing"
    mechanisms = ("mean",)

    def run(self, evidence: Evidence) -> Finding:
        return Finding({"grey": [np.full(stored.shape, 128, np.uint8) for stored in evidence.encrypted]})


def test_an_attack_from_outside_runs_like_the_others(cli, photographs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ATTACKS", dict(ATTACKS))
    registry.register(Flat())
    with pytest.raises(UsageError, match="an attack 'flat' already"):
        registry.register(Flat())
    assert registry.choose(None)[-1].name == "flat"
    arguments = ["audit", "--images", photographs, "--attack", "flat", "--no-recognition", "--cipher"]
    assert cli(*arguments, "mosaic").code == 0
    (entry,) = json.loads(Path("audit/audit.json").read_text())["ciphers"]
    assert entry["best"]["attack"] == "flat"
    assert "says nothing about subblock-sort" in cli(*arguments, "subblock-sort").err


def test_help_names_every_attack(cli) -> None:
    text = "".join(cli("audit", "--help").text.split())
    assert all(name in text for name in ATTACKS)


def test_equal_pictures_and_noise_are_compared_by_hand(samples) -> None:
    image = samples[0].image
    same = compare(image, image)
    assert (same.ssim, same.psnr, same.colour_ssim) == (1, MAX_PSNR, 1)
    lighter = np.full((16, 16, 3), 110, np.uint8)
    assert compare(lighter, lighter - 10).psnr == pytest.approx(10 * np.log10(255**2 / 100))


def test_subjects_and_references_come_from_folders_too(photographs: Path) -> None:
    assert [sample.image.shape for sample in open_samples(str(photographs), 5)] == [(100, 150, 3)] * 2
    assert len(open_references(photographs)) == 2
    assert len(open_references(None)) == 5
    assert [sample.image.shape for sample in open_samples(str(photographs), 5, 75)] == [(50, 75, 3)] * 2
    assert open_samples("scenes:2:5", 5)[1].plates == open_samples("scenes:2:5", 2)[1].plates
    (photographs / "none").mkdir()
    with pytest.raises(UsageError, match="no image"):
        open_samples(str(photographs / "none"), 5)
