"""Trained readers: what they see, that they read large letters and do not read small ones."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

import veilseg
from veilseg.audit.cipher_audit import CipherResult, audit_cipher, read_samples
from veilseg.audit.lines import CharacterPositions, Line, line_between, plate_in_box
from veilseg.audit.readers.features import INPUTS, STEPS, cells, coarser, describe, is_read
from veilseg.audit.readers.fonts import DOTS, find_fonts
from veilseg.audit.readers.measure import read_plate
from veilseg.audit.readers.network import ReaderNetwork
from veilseg.audit.readers.rates import by_height, rates, score_line
from veilseg.audit.readers.reader import Reader, decode, shipped
from veilseg.audit.readers.scenarios import CAMERAS, PLATE_LETTER, Camera
from veilseg.audit.readers.texts import PLATES, plate
from veilseg.audit.readers.training import CIPHERS, TrainingSettings, train
from veilseg.audit.readers.writing import CameraView, draw_line
from veilseg.audit.registry import choose
from veilseg.audit.report.json_report import reading, to_dict
from veilseg.audit.samples import AuditSample
from veilseg.ciphers import Cipher
from veilseg.data.base import Plate
from veilseg.data.scenes import generate_scene
from veilseg.errors import UsageError
from veilseg.scale import ORIGINAL

SHARP = CameraView(blur=0.1, noise=0)


def share_read(name: str, side: int, height: float, plates: int = 24) -> float:
    """Characters read by the shipped reader, of British plates in the scenes' font."""
    rng = np.random.default_rng(5)
    made = veilseg.cipher(name, side, side)
    read = [read_plate(shipped(), made, *draw_line(rng, DOTS, height, side, country="British")) for _ in range(plates)]
    return float(rates(read)["characters"][0])


@pytest.mark.parametrize("name", CIPHERS)
def test_large_letters_are_read_and_small_ones_are_not(name: str) -> None:
    assert share_read(name, 2, 10) > 0.7
    assert share_read(name, 16, 6) < 0.2


def test_a_shuffled_image_is_read_as_a_sorted_one() -> None:
    shuffle, sort = (veilseg.cipher(name, 16, 4) for name in ("subblock-shuffle", "subblock-sort"))
    picture, line = draw_line(np.random.default_rng(0), DOTS, 12, 16)
    stored = {shuffle: shuffle.encrypt(picture, veilseg.Key.generate()).pixels, sort: sort.encrypt(picture).pixels}
    first, second = (describe(cells(made, pixels), line.place, 4) for made, pixels in stored.items())
    np.testing.assert_array_equal(first, second)
    assert first.shape == (len(line.text), INPUTS)


def test_ciphers_of_whole_blocks_are_not_read() -> None:
    assert [is_read(veilseg.cipher(name)) for name in ("subblock-shuffle", "mosaic", "patch-permutation", "shf")] == [
        True, True, False, False
    ]  # fmt: skip


@pytest.mark.parametrize("name", CIPHERS)
@pytest.mark.parametrize("side", [2, 3, 4, 12])
def test_a_cells_steps_are_means_of_its_sorted_values(side: int, name: str) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (2 * side, 3 * side, 3), dtype=np.uint8)
    made = veilseg.cipher(name, side, side)
    grid = cells(made, made.encrypt(picture).pixels)
    assert grid.shape == (2, 3, STEPS + 3)
    assert (np.diff(grid[..., :STEPS], axis=2) >= 0).all()
    assert grid[0, 0, -3:].mean() == pytest.approx(picture[:side, :side].mean(), abs=1)


def test_four_cells_are_nearly_one_of_twice_the_side() -> None:
    picture, _ = draw_line(np.random.default_rng(1), DOTS, 30, 8)
    small, large = (veilseg.cipher("subblock-sort", side, side) for side in (4, 8))
    merged = coarser(cells(small, small.encrypt(picture).pixels))
    direct = cells(large, large.encrypt(picture).pixels)
    assert merged.shape == direct.shape
    assert np.abs(merged - direct).mean() < 2


def test_characters_are_where_the_generator_says() -> None:
    """Ink is dark there, and the paper half a pitch beside and a height above is not."""
    rng = np.random.default_rng(2)
    for _ in range(10):
        picture, line = draw_line(rng, DOTS, 28, 4, country="British", view=SHARP)
        grey = picture.mean(axis=2)
        for x, y in line.place.centres:
            half = line.place.height / 2
            inside = grey[int(y - half) : int(y + half), int(x - half / 2) : int(x + half / 2) + 1]
            above = grey[int(y - 1.25 * half), int(x)]
            assert inside.min() < above - 20


def test_plates_keep_to_their_format() -> None:
    rng = np.random.default_rng(3)
    for country, form in PLATES.items():
        text, said = plate(rng, country)
        assert [one.isdigit() for one in text.replace(" ", "")] == [place == "D" for place in said]
        assert said == form.replace(" ", "")


def test_a_machine_without_the_fonts_is_told_where_they_are() -> None:
    with pytest.raises(UsageError, match="none of the fonts") as caught:
        find_fonts((DOTS, "NoSuchFont.ttf"))
    assert "apt install fonts-" in str(caught.value.hint)


def test_numpy_reads_what_torch_learned() -> None:
    torch.manual_seed(0)
    network = ReaderNetwork().eval()
    reader = Reader({name: value.numpy() for name, value in network.state_dict().items()})
    inputs = np.random.default_rng(0).standard_normal((7, INPUTS)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(inputs)[None], torch.ones(1, 7, 1))
    for found, wanted in zip(reader.scores(inputs), expected, strict=True):
        np.testing.assert_allclose(found, wanted[0].numpy(), rtol=1e-4, atol=1e-5)


def test_a_reader_learns_few_lines_by_heart() -> None:
    losses: list[float] = []
    settings = TrainingSettings((DOTS,), rounds=2, lines=8, places=1, steps=40, batch=16, sides=(2,), kept=16,
                progress=lambda number, loss, network: losses.append(loss))  # fmt: skip
    train(settings)
    assert losses[-1] < losses[0]
    assert losses[-1] < 1.5  # guessing among letters or digits: about 2.8


def test_a_format_rules_characters_out() -> None:
    scores = np.zeros((2, 36), np.float32)
    scores[:, 14] = 2  # the letter O
    scores[:, 26] = 1  # the digit 0
    assert decode(scores, "LD") == "O0"
    line = Line("O0", "LD", CharacterPositions(np.array([[4.0, 4.0], [9.0, 4.0]]), 8))
    read = score_line(scores, line, 4)
    assert (read.right, read.right_without, read.among, read.height) == (2, 1, 2, 2)
    found = rates([read, score_line(scores, Line("AB", "LL", line.place), 4)])
    assert found["characters"][0] == 0.5
    assert found["whole"][0] == 0.5
    assert list(by_height([read])) == ["2 to 3"]


def test_places_in_a_box_by_hand() -> None:
    line = plate_in_box("AB 1", (10, 20, 50, 30))
    assert line is not None
    assert (line.text, line.form) == ("AB1", "LLD")
    assert line.place.centres.tolist() == [[15, 25], [25, 25], [45, 25]]
    assert (line.place.pitch, line.place.height) == (15, 8)
    assert line.place.even.centres[1].tolist() == [30, 25]
    assert line_between("...", (0, 0), (1, 0), 5) is None


def test_letters_in_photographs_by_hand() -> None:
    right_angle = Camera("by hand", 2000, 1500, 90)  # as far as the picture is half wide: 1000 pixels
    assert right_angle.letter(PLATE_LETTER, ORIGINAL) == pytest.approx(1000)
    assert right_angle.letter(10 * PLATE_LETTER, 500) == pytest.approx(25)
    phone = CAMERAS[0]
    assert phone.letter(4, ORIGINAL) == pytest.approx(62, abs=0.1)
    assert phone.letter(4, 480) == pytest.approx(7.44, abs=0.01)


def audited(image: np.ndarray, made: Cipher, plates: tuple[Plate, ...] = ()) -> CipherResult:
    """By the attack alone."""
    sample = AuditSample("one", image, plates)
    return audit_cipher(made, [sample], choose(["characters"]), (), truth=read_samples([sample]))


def test_an_audit_reads_the_plates_of_a_scene() -> None:
    scene = next(scene for seed in range(100) if (scene := generate_scene(seed)).plates)
    (fine,), (coarse,) = (
        audited(scene.image, veilseg.cipher("subblock-sort", 16, side), scene.plates).attacks for side in (2, 16)
    )
    assert [read.line.text for read in fine.read] == [text.replace(" ", "") for text, _ in scene.plates]
    assert sum(read.right for read in fine.read) > sum(read.right for read in coarse.read)
    assert fine.best is None
    assert re.match(r"characters \d+ % at .* cells", reading(fine))


def test_an_audit_finds_the_writing_of_a_photograph_by_itself() -> None:
    picture, line = draw_line(np.random.default_rng(12), DOTS, 30, 16, country="Spanish", view=SHARP)
    result = audited(np.pad(picture, ((48, 48), (48, 48), (0, 0)), mode="edge"), veilseg.cipher("mosaic", 16, 4))
    (read,) = result.attacks[0].read
    assert read.line.text == line.text
    assert read.height == pytest.approx(30 / 4, rel=0.2)
    assert to_dict([result], ())["ciphers"][0]["attacks"][0]["read"]["all"]["lines"] == 1


def test_where_nothing_is_written_nothing_is_read() -> None:
    attack = audited(np.full((64, 64, 3), 120, np.uint8), veilseg.cipher("mosaic", 16, 4)).attacks[0]
    assert attack.read == []
    assert reading(attack) == "nothing to try it on"
