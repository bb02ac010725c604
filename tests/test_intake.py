"""Intake: what is accepted, what is refused and in which words, on files made here."""

from __future__ import annotations

import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pymupdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from docproc.errors import Rejected
from docproc.intake import Upload, media_type_of, open_upload
from docproc.sandbox import Sandbox
from docproc.settings import Settings


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Settings()) as one:
        yield one


def pdf_bytes(pages: int = 1, **options: object) -> bytes:
    with pymupdf.open() as document:
        for number in range(pages):
            document.new_page().insert_text((72, 72), f"page {number + 1}")
        return bytes(document.tobytes(**options))


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def take(path: Path, sandbox: Sandbox, password: str | None = None, **limits: int) -> Upload:
    return open_upload(path, sandbox, password=password, settings=replace(Settings(), **limits))


def refusal(path: Path, sandbox: Sandbox, password: str | None = None, **limits: int) -> Rejected:
    with pytest.raises(Rejected) as caught:
        take(path, sandbox, password, **limits)
    assert "\n" not in str(caught.value)
    return caught.value


def bmp_header(width: int, height: int) -> bytes:
    return (
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 1, 0, 0, 0, 0, 0, 0)
    )


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"")
    chunks = (
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (body, data)
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_an_upload_knows_its_file(sandbox: Sandbox, tmp_path: Path) -> None:
    content = pdf_bytes(3)
    path = write(tmp_path / "three.pdf", content)
    assert take(path, sandbox) == Upload(
        path, "three.pdf", hashlib.sha256(content).hexdigest(), "application/pdf", len(content), 3
    )


@pytest.mark.parametrize(
    ("suffix", "media_type"),
    [
        ("png", "image/png"), ("jpg", "image/jpeg"), ("tif", "image/tiff"), ("webp", "image/webp"),
        ("bmp", "image/bmp"), ("gif", "image/gif"),
    ],
)  # fmt: skip
def test_images_are_known_by_their_bytes(sandbox: Sandbox, tmp_path: Path, suffix: str, media_type: str) -> None:
    made = tmp_path / f"made.{suffix}"
    Image.new("RGB", (40, 30), "white").save(made)
    upload = take(made.rename(tmp_path / "misnamed.pdf"), sandbox)
    assert (upload.media_type, upload.pages, upload.filename) == (media_type, 1, "misnamed.pdf")


def test_pages_of_a_tiff_and_frames_of_an_animation(sandbox: Sandbox, tmp_path: Path) -> None:
    frames = [Image.new("L", (40, 30), level) for level in (0, 100, 200)]
    for suffix, pages in (("tif", 3), ("gif", 1), ("webp", 1)):
        path = tmp_path / f"several.{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:])
        assert take(path, sandbox).pages == pages


def test_a_pdf_may_have_junk_before_its_header(sandbox: Sandbox, tmp_path: Path) -> None:
    path = write(tmp_path / "mailed.bin", b"Content-Type: text/plain\r\n\r\n" + b"\0" * 500 + pdf_bytes(2))
    assert take(path, sandbox).pages == 2


@pytest.mark.parametrize("count", [b"0", b"-3", b"(x)", b"900000000"])
def test_a_wrong_page_count_in_the_file_is_mended(sandbox: Sandbox, tmp_path: Path, count: bytes) -> None:
    content = pdf_bytes(4)
    assert b"/Count 4" in content
    path = write(tmp_path / "count.pdf", content.replace(b"/Count 4", b"/Count " + count))
    assert take(path, sandbox).pages == 4


def test_names_that_are_no_unicode_are_read(sandbox: Sandbox, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 - \n.pdf"))
    arguments = {"path": str(write(path, pdf_bytes())), "password": None}
    assert sandbox.call("pdf-open", arguments, seconds=30).values == {"pages": 1}
    assert take(path, sandbox).filename == path.name


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "empty", "is empty"),
        (b"just text", "media-type", "PDF, PNG, JPEG"),
        (b"DDS |\0\0\0" + b"\0" * 120, "media-type", "PDF, PNG, JPEG"),
        (b"\0\0\1\0\1\0" + b"\0" * 60, "media-type", "PDF, PNG, JPEG"),
        (b"%PDF-1.7\n%%EOF", "broken", "damaged"),
        (pdf_bytes()[:300], None, ""),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "broken", "PNG image is too damaged"),
        (b"II*\0" + b"\xff" * 50, "broken", "TIFF image is too damaged"),
        (bmp_header(200_000, 200_000), "too-many-pixels", "DOCPROC_MAX_PIXELS"),
        (png_header(35_000, 35_000), "too-many-pixels", "1,225,000,000 pixels"),
    ],
    ids=["empty", "text", "dds", "ico", "hollow", "truncated", "png", "tiff", "bmp bomb", "1-bit bomb"],
)
def test_bad_files_are_refused_in_one_line(
    sandbox: Sandbox, tmp_path: Path, content: bytes, code: str | None, words: str
) -> None:
    error = refusal(write(tmp_path / "bad.pdf", content), sandbox)
    assert code in (None, error.code)
    assert words in str(error)


def test_a_renamed_zip_is_called_one(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "renamed.pdf"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner.pdf", pdf_bytes())
    assert "ZIP" in str(refusal(path, sandbox))


def test_what_is_no_file_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "missing.pdf"):
        assert refusal(path, sandbox).code == "unreadable"


def test_limits_name_their_setting(sandbox: Sandbox, tmp_path: Path) -> None:
    path = write(tmp_path / "three.pdf", pdf_bytes(3))
    assert "DOCPROC_MAX_BYTES" in str(refusal(path, sandbox, max_bytes=100))
    assert "DOCPROC_MAX_PAGES" in str(refusal(path, sandbox, max_pages=2))
    frames = [Image.new("1", (40, 30)) for _ in range(3)]
    frames[0].save(tmp_path / "three.tif", save_all=True, append_images=frames[1:])
    assert "more than 2 pages" in str(refusal(tmp_path / "three.tif", sandbox, max_pages=2))
    assert "1,200 pixels" in str(refusal(tmp_path / "three.tif", sandbox, max_pixels=1_000))


@pytest.mark.parametrize(
    "encryption",
    [pymupdf.PDF_ENCRYPT_RC4_40, pymupdf.PDF_ENCRYPT_AES_128, pymupdf.PDF_ENCRYPT_AES_256],
)
def test_passwords(sandbox: Sandbox, tmp_path: Path, encryption: int) -> None:
    content = pdf_bytes(encryption=encryption, user_pw="secret", owner_pw="boss")
    path = write(tmp_path / "locked.pdf", content)
    needed, wrong = refusal(path, sandbox), refusal(path, sandbox, "guess")
    assert (needed.code, wrong.code) == ("password", "password")
    assert "is needed" in str(needed)
    assert "does not open" in str(wrong)
    assert take(path, sandbox, "secret").password == "secret"
    assert take(path, sandbox, "boss").pages == 1
    assert "secret" not in repr(take(path, sandbox, "secret"))


def test_a_file_that_only_forbids_changes_opens(sandbox: Sandbox, tmp_path: Path) -> None:
    content = pdf_bytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw="boss", permissions=0)
    assert take(write(tmp_path / "forbids.pdf", content), sandbox).pages == 1


@given(st.binary(max_size=64))
def test_any_head_has_a_type_or_none(head: bytes) -> None:
    media_type = media_type_of(head)
    assert (
        media_type is None
        or head[:2] in {b"BM", b"GI", b"II", b"MM", b"\xff\xd8", b"\x89P", b"RI"}
        or b"%PDF-" in head
    )
