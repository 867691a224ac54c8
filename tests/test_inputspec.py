"""Which images a model takes, and what it says to all others."""

from __future__ import annotations

import subprocess
import sys

import pytest

from veilseg.errors import InvalidImageError, InvalidModelError, UsageError
from veilseg.header import Header
from veilseg.inputspec import InputSpec
from veilseg.spec import CipherSpec, make_spec

OWN, OTHER = "0123456789abcdef", "f" * 16


def header(cipher: str, block: int = 16, sub_block: int | None = None, fingerprint: str | None = None) -> Header:
    """Of an image of 20 x 30 pixels."""
    return Header(spec=CipherSpec(cipher, block, sub_block), height=20, width=30, key_fingerprint=fingerprint)


def reads(cipher: str, block: int = 16, sub_block: int | None = None, fingerprint: str | None = None) -> InputSpec:
    return InputSpec(CipherSpec(cipher, block, sub_block), fingerprint)


CANONICAL = reads("subblock-sort", sub_block=8)
PERMUTED = reads("patch-permutation", fingerprint=OWN)


@pytest.mark.parametrize(
    ("spec", "image"),
    [
        (InputSpec(), None),
        (CANONICAL, header("subblock-sort", sub_block=8)),
        (CANONICAL, header("subblock-shuffle", sub_block=8)),
        (reads("subblock-shuffle", sub_block=8), header("subblock-shuffle", sub_block=8)),
        (reads("mosaic", sub_block=8), header("mosaic", sub_block=8)),
        (reads("subblock-quartiles", sub_block=8), header("subblock-quartiles", sub_block=8)),
        (PERMUTED, header("patch-permutation", fingerprint=OWN)),
        (reads("ffx", 4, fingerprint=OWN), header("ffx", 4, fingerprint=OWN)),
    ],
)
def test_images_that_fit_are_taken(spec: InputSpec, image: Header | None) -> None:
    spec.check(image)


@pytest.mark.parametrize(
    ("spec", "image", "message"),
    [
        (InputSpec(), header("subblock-sort", sub_block=8), "takes plain images"),
        (CANONICAL, None, "not plain ones"),
        (PERMUTED, None, "not plain ones"),
        (CANONICAL, header("patch-permutation", fingerprint=OWN), "encrypted with patch-permutation"),
        (reads("subblock-shuffle", sub_block=8), header("subblock-sort", sub_block=8), "encrypted with subblock-sort"),
        (CANONICAL, header("subblock-shuffle", sub_block=4), "sub-block 4, and the model wants sub-block 8"),
        (CANONICAL, header("subblock-sort", 32, 8), "block 32, and the model wants block 16"),
        (PERMUTED, header("patch-permutation", fingerprint=OTHER), f"key {OTHER}, the model to key {OWN}"),
        (reads("patch-rotation", fingerprint=OWN), header("patch-permutation", fingerprint=OWN), "patch-permutation"),
    ],
)
def test_others_are_refused_with_a_hint(spec: InputSpec, image: Header | None, message: str) -> None:
    with pytest.raises(InvalidImageError, match=message) as caught:
        spec.check(image)
    assert caught.value.hint


def test_a_fingerprint_belongs_to_a_cipher_with_one_key() -> None:
    for encryption, fingerprint in (
        (CipherSpec("patch-permutation", 16), None),
        (CipherSpec("patch-permutation", 16), "my key"),
        (None, OWN),
        (CipherSpec("subblock-sort", 16, 8), OWN),
    ):
        with pytest.raises(UsageError):
            InputSpec(encryption, fingerprint)


@pytest.mark.parametrize("spec", [InputSpec(), CANONICAL, PERMUTED, reads("ffx", 4, fingerprint=OWN)])
def test_what_is_written_is_read(spec: InputSpec) -> None:
    assert InputSpec.from_dict(spec.to_dict()) == spec
    assert InputSpec.from_config({"veilseg": spec.to_dict()}) == spec
    with pytest.raises(UsageError, match="has no 'more'"):
        InputSpec.from_dict({**spec.to_dict(), "more": 1})


@pytest.mark.parametrize("value", [None, [], {}, {"cipher": "rot13"}, {"cipher": "patch-permutation", "block": 16}])
def test_another_librarys_config_that_makes_no_sense(value: object) -> None:
    with pytest.raises(InvalidModelError, match="how this model is encrypted"):
        InputSpec.from_config({"veilseg": value})


def test_whether_a_key_can_be_built_in() -> None:
    InputSpec().check_encryptable()
    with pytest.raises(InvalidModelError, match="encrypted already"):
        PERMUTED.check_encryptable()
    for spec in (CANONICAL, reads("ffx", 4, fingerprint=OWN)):
        with pytest.raises(InvalidModelError, match="needs no key built in"):
            spec.check_encryptable()


def test_facts_of_an_input() -> None:
    plain, wide = InputSpec(), InputSpec(make_spec("patch-rotation", 32), OWN)
    assert (plain.name, plain.keyed, plain.block, plain.bits) == ("plain", False, 1, 8)
    assert (wide.name, wide.keyed, wide.block, wide.bits) == ("patch-rotation", True, 32, 16)


def test_needs_no_torch() -> None:
    code = "import sys, veilseg.modelconfig, veilseg.modelfolder; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
