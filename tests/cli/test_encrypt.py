"""`veilseg encrypt`: files, folders and streams in; encrypted images without a trace of metadata out."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from tests.pngs import split
from veilseg import catalog
from veilseg.catalog import DEFAULT_SUB_BLOCK
from veilseg.ciphers import cipher
from veilseg.container import decode
from veilseg.images import open_image
from veilseg.spec import CipherSpec

KEYED = ("subblock-shuffle", "patch-permutation", "patch-rotation")


def test_default_is_the_keyless_canonical_form(cli, photo: Path) -> None:
    done = cli("encrypt", "photo.png", "-o", "veiled.png")
    cells = "4 x 3 cells; writing lower than 12 pixels of this picture is below one cell\n"
    assert (done.code, done.out, done.err) == (0, b"", cells)
    pixels, header = decode(Path("veiled.png").read_bytes())
    assert header.spec == CipherSpec("subblock-sort", 12, DEFAULT_SUB_BLOCK)
    assert (header.height, header.width) == (25, 37)
    assert np.array_equal(pixels, cipher("subblock-sort").encrypt(open_image(photo)).pixels)


def test_options_reach_the_cipher(cli, photo: Path) -> None:
    options = ["--cipher", "subblock-shuffle", "--block", "8", "--sub-block", "4"]
    assert cli("encrypt", "photo.png", "-o", "veiled.png", *options).code == 0
    assert decode(Path("veiled.png").read_bytes())[1].spec == CipherSpec("subblock-shuffle", 8, 4)


@pytest.mark.parametrize(
    "options",
    [
        ["--cipher", "rot13"],
        ["--block", "0"],
        ["--block", "16", "--sub-block", "5"],
        ["--cipher", "patch-permutation"],
        ["--key", "missing.key", "--cipher", "patch-permutation"],
        ["--key", "my.key"],
    ],
    ids=" ".join,
)
def test_senseless_options_are_refused(cli, photo: Path, options: list[str]) -> None:
    cli("keygen", "-o", "my.key")
    done = cli("encrypt", "photo.png", "-o", "veiled.png", *options)
    assert done.code in (1, 2)
    assert done.err.startswith("error: ")
    assert "\nhint: " in done.err
    assert "Traceback" not in done.err
    assert not Path("veiled.png").exists()


def test_key_from_the_environment(cli, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("keygen", "-o", "my.key")
    monkeypatch.setenv("VEILSEG_KEY_FILE", "my.key")
    assert cli("encrypt", "photo.png", "-o", "a.png", "--cipher", "patch-permutation").code == 0
    assert (
        decode(Path("a.png").read_bytes())[1].key_fingerprint == cli("keygen", "--fingerprint", "my.key").text.strip()
    )
    # A cipher without a key is not disturbed.
    assert cli("encrypt", "photo.png", "-o", "b.png").code == 0
    assert decode(Path("b.png").read_bytes())[1].key_fingerprint is None


def test_folder_with_one_bad_file(cli, photo: Path) -> None:
    Path("in").mkdir()
    for name in ("a.jpg", "b.bmp", "c.webp"):
        Image.open("photo.png").save(f"in/{name}")
    Path("in/broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    done = cli("encrypt", "in", "-o", "veiled")
    assert done.code == 1
    assert sorted(path.name for path in Path("veiled").iterdir()) == ["a.png", "b.png", "c.png"]
    assert "error: in/broken.jpg: " in done.err
    assert done.err.endswith("3 done, 1 failed\n")
    Path("in/broken.jpg").unlink()
    assert cli("encrypt", "in", "-o", "veiled", "--force").code == 0
    assert decode(Path("veiled/b.png").read_bytes())[1].width == 37


def test_small_sub_blocks_are_warned_of_and_single_pixels_refused(cli, photo: Path) -> None:
    done = cli("encrypt", "photo.png", "-o", "veiled.png", "--sub-block", "2")
    assert done.code == 0
    assert done.err.startswith("warning: pictures of 480 pixels have 240 cells of 2 pixels along the longer side")
    assert "warning" not in cli("encrypt", "photo.png", "-o", "twelve.png", "--sub-block", "12").err
    refused = cli("encrypt", "photo.png", "-o", "one.png", "--sub-block", "1")
    assert refused.code == 2
    assert "\nhint: 8, 12 and 16 are usual" in refused.err
    assert not Path("one.png").exists()


@pytest.mark.parametrize("verb", ["encrypt", "evaluate"])
def test_help_names_every_cipher(cli, verb: str) -> None:
    text = cli(verb, "--help").text
    assert all(name in " ".join(text.split()) for name in catalog.names().replace(" or", ",").split(", "))


def test_stdin_to_stdout(cli, photo: Path) -> None:
    done = cli("encrypt", "-", "-o", "-", stdin=photo.read_bytes())
    assert done.code == 0
    cli("encrypt", "photo.png", "-o", "veiled.png")
    assert done.out == Path("veiled.png").read_bytes()
    assert cli("encrypt", "-", stdin=photo.read_bytes()).out == done.out
    assert cli("encrypt", "photo.png", "-o", "-").out == done.out


def test_terminal_gets_no_binary(cli, photo: Path) -> None:
    done = cli("encrypt", "photo.png", "-o", "-", terminal=True)
    assert (done.code, done.out) == (2, b"")
    assert "terminal" in done.err


def test_input_is_never_replaced(cli, photo: Path) -> None:
    before = photo.read_bytes()
    for output in ("photo.png", "./photo.png", "."):
        done = cli("encrypt", "photo.png", "-o", output, "--force")
        assert done.code == 2
        assert "also an input" in done.err
    assert photo.read_bytes() == before


def test_output_is_replaced_only_when_asked(cli, photo: Path) -> None:
    cli("encrypt", "photo.png", "-o", "veiled.png", "--sub-block", "8")
    before = Path("veiled.png").read_bytes()
    done = cli("encrypt", "photo.png", "-o", "veiled.png")
    assert done.code == 0
    assert "veiled.png exists" in done.err
    assert "--force" in done.err
    assert Path("veiled.png").read_bytes() == before
    assert cli("encrypt", "photo.png", "-o", "veiled.png", "--force").code == 0
    assert Path("veiled.png").read_bytes() != before


def test_a_plain_picture_never_passes_for_a_result(cli, photo: Path) -> None:
    """Whoever sends the output next would send a photograph."""
    Path("out").mkdir()
    Path("out/photo.png").write_bytes(photo.read_bytes())
    for output in ("out/photo.png", "out"):
        done = cli("encrypt", "photo.png", "-o", output)
        assert done.code == 1
        assert "is no encrypted image" in done.err
    assert Path("out/photo.png").read_bytes() == photo.read_bytes()


def test_a_folder_by_its_url(cli, photo: Path) -> None:
    Path("in/deep").mkdir(parents=True)
    photo.rename("in/deep/a.png")
    assert cli("encrypt", f"file://{Path.cwd()}/in", "-o", f"file://{Path.cwd()}/veiled").code == 0
    assert decode(Path("veiled/deep/a.png").read_bytes())[1].width == 37


def test_a_cluster_has_no_streams(cli, photo: Path) -> None:
    pytest.importorskip("ray")
    done = cli("encrypt", "-", "-o", "veiled.png", "--ray", stdin=photo.read_bytes())
    assert done.code == 2
    assert "no stdin" in done.err


def test_encrypting_twice_is_refused(cli, photo: Path) -> None:
    cli("encrypt", "photo.png", "-o", "veiled.png")
    done = cli("encrypt", "veiled.png", "-o", "twice.png")
    assert done.code == 1
    assert "encrypted already" in done.err


SECRETS = [
    b"Smith",
    b"Hauptstrasse",
    b"PentaxK",
    b"2026:03",
    b"sRGB",
    b"holiday",
    b"GPS",
    b"Exif",
    b"ICC",
    b"acsp",
    b"secret-name",
]


def photo_with_metadata() -> bytes:
    """A JPEG with a camera, an author, a time, a place, a comment and a colour profile in it."""
    exif = Image.Exif()
    exif[0x010F] = "PentaxK"
    exif[0x013B] = "Jane Smith"
    exif[0x0132] = "2026:03:04 05:06:07"
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0), 27: b"Hauptstrasse 1"})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = np.repeat(np.random.default_rng(5).integers(0, 256, (20, 36, 1), dtype=np.uint8), 3, axis=2)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(
        buffer, format="JPEG", quality=90, exif=exif, icc_profile=profile, comment=b"holiday at Smith's"
    )
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["subblock-sort", "subblock-quartiles", "mosaic", *KEYED])
def test_no_metadata_survives(cli, name: str) -> None:
    source = photo_with_metadata()
    for present in (b"Smith", b"Hauptstrasse", b"PentaxK", b"2026:03", b"holiday", b"acsp", b"Exif"):
        assert present in source, "the test itself must carry what it looks for"
    Path("secret-name.jpg").write_bytes(source)
    cli("keygen", "-o", "my.key")
    key = ["--key", "my.key"] if name in KEYED else []
    assert cli("encrypt", "secret-name.jpg", "-o", "veiled.png", "--cipher", name, *key).code == 0
    outputs = ["veiled.png"]
    if key:
        assert cli("decrypt", "veiled.png", "-o", "plain.png", *key).code == 0
        outputs.append("plain.png")
    for output in outputs:
        data = Path(output).read_bytes()
        assert {kind for kind, _ in split(data)} <= {b"IHDR", b"tEXt", b"IDAT", b"IEND"}
        outside = b"".join(body for kind, body in split(data) if kind != b"IDAT")
        for secret in SECRETS:
            assert secret.lower() not in outside.lower()
            assert len(secret) < 5 or secret not in data
    header = decode(Path("veiled.png").read_bytes())[1]
    assert (header.height, header.width) == (36, 20), "the orientation was applied before it was dropped"


def test_no_text_of_a_png_survives(cli, photo: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "Jane Smith")
    text.add_itxt("Place", "Hauptstrasse 1")
    text.add_text("Comment", "holiday", zip=True)
    Image.open(photo).save("noted.png", pnginfo=text, dpi=(300, 300))
    cli("encrypt", "noted.png", "-o", "a.png")
    cli("encrypt", "photo.png", "-o", "b.png")
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_the_file_depends_on_pixels_alone(cli, photo: Path) -> None:
    """No time, no name, no path: the same photograph gives the same bytes."""
    cli("encrypt", "photo.png", "-o", "a.png")
    Path("elsewhere").mkdir()
    photo.rename("elsewhere/other.png")
    cli("encrypt", "elsewhere/other.png", "-o", "b.png")
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
