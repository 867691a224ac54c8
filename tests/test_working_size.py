"""Every way in reduces a photograph to one working size, and its label map comes back at the photograph's."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import veilseg
from tests.client.impostor import give, impostor, info
from tests.service import running
from tests.tiny_onnx import CANONICAL, photo, tiny_model
from veilseg.cells import describe_cells
from veilseg.cli.main import main
from veilseg.data import Sample
from veilseg.data.reduced import ReducedData
from veilseg.errors import ServiceError, UsageError
from veilseg.images import to_png
from veilseg.modelconfig import ModelConfig
from veilseg.runtime import Segmenter, overlay
from veilseg.scale import ORIGINAL, reduce_photograph
from veilseg.spec import CipherSpec

PHOTOGRAPH = photo(3, 300, 500)
SIDE = 160
SORT = veilseg.cipher("subblock-sort", sub_block=8)


def working_at(folder: Path, longer_side: int, spec=CANONICAL) -> Path:
    """A tiny model with a working size."""
    tiny_model(folder, spec)
    config = dataclasses.replace(ModelConfig.load(folder), longer_side=longer_side)
    (folder / "config.json").write_text(config.to_json())
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(to_png(PHOTOGRAPH))
    return tmp_path


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    veilseg.Key.generate().save(tmp_path / "my.key")
    return tmp_path / "my.key"


def read(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def test_the_command_and_the_cipher_reduce_to_480_pixels(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["encrypt", "photo.png", "-o", "a.png", "--sub-block", "8"]) == 0
    expected = SORT.encrypt(PHOTOGRAPH)
    assert (expected.header.height, expected.header.width) == (288, 480)
    reduced = reduce_photograph(PHOTOGRAPH, 480)
    assert np.array_equal(expected.pixels, SORT.encrypt(reduced, longer_side=ORIGINAL).pixels)
    assert Path("a.png").read_bytes() == expected.to_bytes()
    sentence = "60 x 36 cells; writing lower than 8 pixels of this picture (9 of your photograph) is below one cell"
    warning, said = capsys.readouterr().err.splitlines()
    assert said == sentence
    more = "pictures of 480 pixels have 60 cells of 8 pixels along the longer side, more than the default's 40"
    assert warning == f"warning: {more}: more can be read in them"


def test_another_size_and_the_photographs_own(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["encrypt", "photo.png", "-o", "a.png", "--longer-side", "200"]) == 0
    assert "warning" not in capsys.readouterr().err
    assert main(["encrypt", "photo.png", "-o", "b.png", "--longer-side", "original"]) == 0
    assert (
        "those of more than 480 pixels have more cells along the longer side than the default's 40"
        in capsys.readouterr().err
    )
    sizes = [veilseg.EncryptedImage.open(name).header for name in ("a.png", "b.png")]
    assert [(header.height, header.width) for header in sizes] == [(120, 200), (300, 500)]
    assert main(["encrypt", "photo.png", "-o", "c.png", "--longer-side", "0"]) == 2
    assert "--longer-side takes a number of pixels" in capsys.readouterr().err


def test_encrypt_as_a_model_needs_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    working_at(here / "model", SIDE)
    assert main(["encrypt", "photo.png", "-o", "a.png", "--model", "model"]) == 0
    assert Path("a.png").read_bytes() == SORT.encrypt(PHOTOGRAPH, longer_side=SIDE).to_bytes()
    assert main(["encrypt", "photo.png", "-o", "b.png", "--model", "plain"]) == 2
    assert "takes plain images" in capsys.readouterr().err
    assert main(["encrypt", "photo.png", "-o", "b.png", "--model", "model", "--sub-block", "4"]) == 1
    assert "the model wants sub-block 8" in capsys.readouterr().err
    assert not Path("b.png").exists()


def test_a_map_gets_the_size_of_its_photograph(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = working_at(here / "model", SIDE)
    assert main(["encrypt", "photo.png", "-o", "a.png", "--model", "model"]) == 0
    assert main(["segment", "a.png", "-o", "small.png", "--model", "model"]) == 0
    arguments = ["--model", "model", "--photo", "photo.png", "--overlay", "seen.png"]
    assert main(["segment", "a.png", "-o", "large.png", *arguments]) == 0
    small, large = read("small.png"), read("large.png")
    assert (small.shape, large.shape) == ((96, 160), (300, 500))
    assert np.array_equal(small, Segmenter(model).segment("a.png"))
    assert np.mean(large == np.asarray(Image.fromarray(small).resize((500, 300), Image.Resampling.NEAREST))) > 0.95
    assert np.array_equal(read("seen.png"), overlay(PHOTOGRAPH, large, Segmenter(model).palette))


def test_plain_models_reduce_and_enlarge_by_themselves(here: Path) -> None:
    segmenter = Segmenter(working_at(here / "model", SIDE, None))
    labels = segmenter.segment(PHOTOGRAPH)
    assert labels.shape == (300, 500)
    small = segmenter.segment(reduce_photograph(PHOTOGRAPH, SIDE))
    assert np.mean(labels == np.asarray(Image.fromarray(small).resize((500, 300), Image.Resampling.NEAREST))) > 0.95
    whole = Segmenter(here / "model", longer_side=ORIGINAL).segment(PHOTOGRAPH)
    assert not np.array_equal(whole, labels)


def test_clients_and_service(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = working_at(here / "model", SIDE)
    expected = Segmenter(model).segment(SORT.encrypt(PHOTOGRAPH, longer_side=SIDE), size=(300, 500))
    Path("service").mkdir()
    with running(here / "service", str(model)) as service:
        with veilseg.Client(service.url) as client:
            labels = client.segment(PHOTOGRAPH)
            sent = client.encrypt(PHOTOGRAPH)
            other = client.encrypt(reduce_photograph(PHOTOGRAPH, 96))

        async def ask() -> np.ndarray:
            async with veilseg.AsyncClient(service.url) as client:
                return await client.segment(PHOTOGRAPH)

        assert np.array_equal(asyncio.run(ask()), labels)
        arguments = ["--server", service.url, "--overlay", "seen.png"]
        assert main(["segment", "photo.png", "-o", "labels.png", *arguments]) == 0
        assert "20 x 12 cells; writing lower than 8 pixels of this picture (25 of" in capsys.readouterr().err
        assert main(["segment", "photo.png", "-o", "again.png", *arguments[:2], "--model", "default"]) == 1
        assert "no such model" in capsys.readouterr().err, "the name of a service's model, not of ours"
    assert np.array_equal(read("labels.png"), labels)
    assert np.array_equal(read("seen.png"), overlay(PHOTOGRAPH, labels, Segmenter(model).palette))
    assert labels.shape == (300, 500)
    assert np.mean(labels == expected) > 0.98, "enlarged from labels here, from scores there"
    assert (sent.header.height, sent.header.width) == (96, 160)
    assert sent.shows.endswith("20 x 12 cells; writing lower than 8 pixels of this picture is below one cell.")
    assert (other.header.height, other.header.width) == (58, 96), "smaller photographs stay as they are"


@pytest.mark.parametrize("longer_side", [961, ORIGINAL])
def test_a_service_cannot_ask_for_more_than_the_default_shows(longer_side: int) -> None:
    with impostor(lambda handler, _: give(handler, 200, info(longer_side=longer_side))) as (url, got):
        with veilseg.Client(url) as client, pytest.raises(ServiceError, match="show more than this client sends"):
            client.segment(PHOTOGRAPH)
        with veilseg.Client(url, longer_side=320) as client:
            assert client.encrypt(PHOTOGRAPH).header.width == 320
    assert [method for method, _ in got] == ["GET", "GET"]


def test_blocks_without_cells_are_no_way_around(key_file: Path) -> None:
    """A service that knows our key's fingerprint gets no photograph at its own size either, unless we are told."""
    key = veilseg.Key.load(key_file)
    takes = {"cipher": "np", "block": 8, "sub_block": None, "key_fingerprint": key.fingerprint, "longer_side": ORIGINAL}
    with impostor(lambda handler, _: give(handler, 200, info(**takes))) as (url, _):
        with veilseg.Client(url, key=key) as client, pytest.raises(ServiceError, match="show more than this client"):
            client.encrypt(PHOTOGRAPH)
        with (
            veilseg.Client(url, key=key, longer_side=ORIGINAL) as client,
            pytest.warns(UserWarning, match="63 blocks of 8 pixels along the longer side"),
        ):
            assert client.encrypt(PHOTOGRAPH).header.width == 500


@pytest.mark.parametrize("longer_side", [480.0, "480", -1, True, 1 << 17])
def test_what_is_no_size_is_refused_at_once(longer_side: object) -> None:
    for call in (
        lambda: veilseg.Client("http://127.0.0.1:1", longer_side=longer_side),  # type: ignore[arg-type]
        lambda: SORT.encrypt(PHOTOGRAPH, longer_side=longer_side),  # type: ignore[arg-type]
    ):
        with pytest.raises(UsageError, match="longer side cannot have"):
            call()


@pytest.mark.parametrize("longer_side", [-1, 480.0, True, "480", None, 1 << 17])
def test_sizes_that_are_none_are_refused(longer_side: object) -> None:
    with (
        impostor(lambda handler, _: give(handler, 200, info(longer_side=longer_side))) as (url, _),
        veilseg.Client(url) as client,
        pytest.raises(ServiceError, match="not that of a veilseg service"),
    ):
        client.segment(PHOTOGRAPH)


def test_evaluate_measures_at_the_images_own_size(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model's own answer as the truth: every pixel is right, at the photograph's size."""
    model = working_at(here / "model", SIDE)
    for folder in ("data/images", "data/labels"):
        Path(folder).mkdir(parents=True)
    truth = Segmenter(model).segment(SORT.encrypt(PHOTOGRAPH, longer_side=SIDE), size=(300, 500))
    Path("data/images/0.png").write_bytes(to_png(PHOTOGRAPH))
    Path("data/labels/0.png").write_bytes(to_png(truth))
    names = ", ".join(f'"{name}"' for name in Segmenter(model).classes)
    Path("data/classes.json").write_text(f'{{"classes": [{names}]}}')
    assert main(["evaluate", "--data", "folder:data", "--model", "model", "--json", "a.json"]) == 0
    assert '"aAcc": 100.0' in Path("a.json").read_text()
    arguments = ["--longer-side", "original", "--json", "b.json"]
    assert main(["evaluate", "--data", "folder:data", "--model", "model", *arguments]) == 0
    assert '"aAcc": 100.0' not in Path("b.json").read_text()


def test_reduced_data_keeps_borders_where_they_are() -> None:
    class One:
        name, classes, palette = "one", ("a", "b"), np.zeros((2, 3), np.uint8)

        def __len__(self) -> int:
            return 1

        def __getitem__(self, index: int) -> Sample:
            image = np.zeros((40, 100, 3), np.uint8)
            image[:, 50:] = 255
            return Sample("0", image, (image[:, :, 0] > 0).astype(np.uint8))

    sample = ReducedData(One(), 20)[0]
    assert (sample.image.shape, sample.label.shape) == ((8, 20, 3), (8, 20))
    assert np.array_equal(sample.label, sample.image[:, :, 0] > 0)
    assert ReducedData(One(), ORIGINAL)[0].label.shape == (40, 100)


@pytest.mark.parametrize(
    ("height", "width", "photograph", "sentence"),
    [
        (360, 480, None, "40 x 30 cells; writing lower than 12 pixels of this picture is below one cell"),
        (360, 480, 480, "40 x 30 cells; writing lower than 12 pixels of this picture is below one cell"),
        (360, 480, 3000, "40 x 30 cells; writing lower than 12 pixels of this picture (75 of your photograph) is below "
         "one cell"),
        (31, 42, None, "4 x 3 cells; writing lower than 12 pixels of this picture is below one cell"),
    ],
)  # fmt: skip
def test_cells_in_words(height: int, width: int, photograph: int | None, sentence: str) -> None:
    assert describe_cells(CipherSpec("subblock-sort", 12, 12), height, width, photograph) == sentence
    assert describe_cells(CipherSpec("patch-permutation", 16), height, width, photograph) is None
