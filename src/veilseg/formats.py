"""Which files are photographs: by their names, by their first bytes, and what is said of the others."""

from __future__ import annotations

from pathlib import PurePosixPath

from veilseg.errors import InvalidImageError

#: What is opened, by Pillow's names; HEIF comes with pillow-heif.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF")
READ = "JPEG, PNG, WebP, HEIC, AVIF, TIFF and BMP are read"
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".hif"}
)
VIDEO_SUFFIXES = frozenset({".3gp", ".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".webm", ".wmv"})
#: Images all the same, but of kinds that are not read: sensors' own, layered, animated, drawn.
OTHER_SUFFIXES = frozenset(
    {".apng", ".arw", ".cr2", ".cr3", ".dng", ".exr", ".gif", ".hdr", ".ico", ".jp2", ".jxl", ".nef", ".orf"}
    | {".pgm", ".ppm", ".psd", ".raf", ".raw", ".rw2", ".svg", ".tga", ".xcf"}
)

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_BEGINNINGS = (
    (b"GIF8", "GIF"),
    (b"8BPS", "PSD"),
    (b"\xff\x0a", "JXL"),
    (b"\0\0\0\x0cJXL ", "JXL"),
    (b"\0\0\0\x0cjP  ", "JP2"),
    (b"\x1aE\xdf\xa3", "video"),  # Matroska, WebM
    (b"\0\0\1\xba", "video"),  # MPEG
    (b"\0\0\1\xb3", "video"),
)
_VIDEO_HINT = "alone: veilseg encrypt clip.mp4 -o frames/, or veilseg segment clip.mp4 -o maps.mp4 --server URL"


def refusal_by_name(name: str) -> InvalidImageError | None:
    """What is to be said of an image or video by its name, when it is of a kind that is not read."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        return _refusal("video")
    return _refusal(suffix[1:].upper()) if suffix in OTHER_SUFFIXES else None


def refusal(data: bytes) -> InvalidImageError:
    """What is to be said of a file's bytes that are not opened as a photograph."""
    for beginning, kind in _BEGINNINGS:
        if data.startswith(beginning):
            return _refusal(kind)
    brands = _brands(data)
    if is_heif(data) or b"avif" in brands:
        return damaged()
    if brands or (data[:4] == b"RIFF" and data[8:12] == b"AVI "):
        return _refusal("CR3" if b"crx " in brands else "video")
    return InvalidImageError("this is not an image, or not one in a format that is read", READ)


def damaged() -> InvalidImageError:
    """What is said of a photograph that cannot be decoded."""
    return InvalidImageError("the image is damaged and cannot be decoded", "take it from its source again")


def _refusal(kind: str) -> InvalidImageError:
    if kind == "video":
        return InvalidImageError("this is a video, not a photograph", _VIDEO_HINT)
    if kind == "GIF":
        return InvalidImageError("GIF is not read", "save the picture that you mean as PNG; or all as a video, as MP4")
    return InvalidImageError(f"{kind} is not read", "convert it to JPEG or PNG")


def is_heif(data: bytes) -> bool:
    """Whether a file's bytes are HEIF (HEIC), which pillow-heif opens. AVIF, its sister, is Pillow's own."""
    brands = _brands(data)
    return not _HEIF_BRANDS.isdisjoint(brands) and not {b"avif", b"avis"}.intersection(brands)


def _brands(data: bytes) -> list[bytes]:
    """What an ISO media file says that it is; empty for other files."""
    if data[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(data[:4], "big"), len(data), 256)
    return [data[8:12], *(data[start : start + 4] for start in range(16, end, 4))]


def media_remarks(data: bytes, *, profile: bool) -> list[str]:
    """What is lost when a HEIC or AVIF file becomes 8-bit sRGB, by its boxes `pixi` (depth) and `colr` (colours).

    profile: whether an ICC profile says more about its colours.
    """
    head, remarks = data[:65536], []
    start = head.find(b"pixi")
    if start >= 0 and (depth := max(head[start + 9 : start + 9 + head[start + 8]], default=8)) > 8:
        remarks.append(depth_remark(depth))
    start = head.find(b"colrnclx")
    # ITU-T H.273: primaries 1, 2, 5 and 6 are those of sRGB, unsaid, or near; transfers 16 and 18 are HDR.
    primaries, transfer = (int.from_bytes(head[at : at + 2], "big") for at in (start + 8, start + 10))
    if start >= 0 and not profile and (primaries not in (1, 2, 5, 6) or transfer in (16, 18)):
        remarks.append("the photograph has wide or HDR colours without an ICC profile: they are taken for sRGB")
    return remarks


def depth_remark(bits: int) -> str:
    """What is said of a photograph of more than 8 bits."""
    return f"the photograph has {bits} bits a channel, of which the upper 8 are used"
