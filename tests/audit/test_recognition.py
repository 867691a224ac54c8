"""Machines that read: they must read what is there, and must not read what is gone."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from skimage import data

from veilseg.audit.recognition import (
    Content,
    character_accuracy,
    content,
    find_faces,
    overlap,
    read_plate,
    read_words,
    recognise,
)
from veilseg.ciphers.subblock.mosaic import mosaic
from veilseg.data.scenes import generate_scene
from veilseg.errors import VeilsegError


@pytest.mark.parametrize(
    ("read", "text", "accuracy"),
    [("AB12 CDE", "AB12 CDE", 1), ("ab12.cde", "AB12 CDE", 1), ("", "AB12", 0), ("AB1", "AB12", 0.75),
     ("XXXXXXXXXX", "AB12", 0), ("A812", "AB12", 0.75)],
)  # fmt: skip
def test_character_accuracy_by_hand(read: str, text: str, accuracy: float) -> None:
    assert character_accuracy(read, text) == accuracy


def test_plates_are_read_in_the_plain_scene_and_not_in_its_mosaic() -> None:
    seed = next(seed for seed in range(5_000_000_000, 5_000_000_020) if generate_scene(seed).plates)
    scene = generate_scene(seed)
    truth = [Content(scene.plates)]
    plain = recognise([scene.image], truth)
    hidden = recognise([mosaic(scene.image, 8)], truth)
    assert plain.plate_characters is not None
    assert hidden.plate_characters is not None
    assert plain.plate_characters > 0.7
    assert hidden.plate_characters < 0.4
    assert hidden.plates == 0
    assert plain.words is None


def test_a_reader_gets_nothing_from_an_empty_plate() -> None:
    assert character_accuracy(read_plate(np.full((64, 96, 3), 128, np.uint8), (10, 10, 60, 22)), "AB12 CDE") == 0


def test_a_face_is_found_in_a_portrait_and_not_behind_a_mosaic() -> None:
    portrait = np.ascontiguousarray(data.astronaut()[:256, 100:356])
    known = content(portrait, text=False)
    assert len(known.faces) == 1
    assert recognise([portrait], [known]).faces == 1
    assert recognise([mosaic(portrait, 64)], [known]).faces == 0
    assert find_faces(np.zeros((64, 64, 3), np.uint8)) == ()


def test_words_are_read_on_a_page_and_not_behind_a_mosaic() -> None:
    page = np.repeat(data.page()[:96, :192, None], 3, axis=2)
    words = read_words(page)
    assert len(words) > 3
    known = [Content((), words)]
    assert recognise([page], known).words == 1
    assert recognise([mosaic(np.ascontiguousarray(page), 16)], known).words == 0


def test_overlap_by_hand() -> None:
    assert overlap((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 2, 2), (2, 0, 4, 2)) == 0


def test_a_missing_system_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finder that fails as the loader does without libGL."""

    class Fails:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "cv2":
                raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.delitem(sys.modules, "cv2")
    monkeypatch.setattr(sys, "meta_path", [Fails(), *sys.meta_path])
    with pytest.raises(VeilsegError, match="libGL") as caught:
        find_faces(np.zeros((64, 64, 3), np.uint8))
    assert "--no-recognition" in str(caught.value.hint)
