"""`docproc process`: files and folders in, readings out."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from tqdm import tqdm

from docproc.captions import captioned
from docproc.cli import show
from docproc.commands import there
from docproc.commands.output import Target, targets
from docproc.document import Page, Problem
from docproc.errors import DocprocError, EngineFailed, Rejected, Usage
from docproc.exports import EXPORTS, Export
from docproc.pipeline import Reader, ReadOptions
from docproc.settings import Settings
from docproc.spool import spooled
from docproc.tasks.pages import Model
from docproc.vision import open_model

Command = TypeVar("Command", bound=Callable[..., Any])

Problems = Sequence[tuple[int, Problem]]
Process = Callable[[Path, Target], Problems]

STDIN = Path("-")


def reading_options(command: Command, *, engine: bool = True) -> Command:
    """Add the options that say how to read, with or without `--engine`; `read_options` makes ReadOptions of them."""
    chosen = [click.option("--engine", default="rapid", show_default=True, help="What reads the text.")]
    options = [
        *(chosen if engine else []),
        click.option("--dpi", type=click.IntRange(36, 1200), help="Reading resolution [default: chosen per page]."),
        click.option("--languages", default="", help="ISO 639-1 codes of what to expect, with commas: en,de."),
        click.option("--password", help="Password of an encrypted PDF."),
        click.option(
            "--text-layer",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            show_default=True,
            help="Use a PDF's own text: where it matches what is visible, always, or never.",
        ),
        click.option(
            "--rasterizer",
            type=click.Choice(["auto", "pymupdf", "poppler"]),
            default="auto",
            show_default=True,
            help="What draws the pages of PDFs; auto is PyMuPDF, and poppler where that fails.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def read_options(flags: dict[str, Any]) -> ReadOptions:
    """Return the ReadOptions of a command's flags, taking them out of `flags`."""
    languages = tuple(code.strip() for code in flags.pop("languages").split(",") if code.strip())
    names = ("engine", "dpi", "password", "text_layer", "rasterizer")
    return ReadOptions(languages=languages, **{name: flags.pop(name) for name in names if name in flags})


@click.command("process")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--format", "format_", type=click.Choice(list(EXPORTS)), default="text", show_default=True)
@click.option(
    "--output",
    help="A file, or a folder (ends in / or is one) that gets STEM.SUFFIX for each input [default: stdout].",
)
@reading_options
@click.option(
    "--captions", metavar="MODEL", default="", help="Say what pictures show, as their alt text: a vision model."
)
@click.option("--server", metavar="URL", help="Let a docproc server read; DOCPROC_TOKEN says who you are.")
@click.option("--json-errors", is_flag=True, help="Tell errors as one JSON object per line on stderr.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(files: tuple[Path, ...], format_: str, output: str | None, server: str | None, **flags: Any) -> int:
    """Read FILES (PDF, PNG, JPEG, TIFF, WebP, BMP, GIF; folders of them; - is stdin) into one format.

    Exit code: 0 all read, 2 wrong usage, 4 a file was rejected, 5 some pages failed (the others are written).
    """
    options, export = read_options(flags), EXPORTS[format_]
    as_json, debug = flags["json_errors"], flags["debug"]
    codes = [0]
    captions = flags["captions"]
    with _stdin_as_file(files) as inputs, _processor(server, options, export, captions) as process:
        for path, target in targets(inputs, output, export.suffix):
            try:
                codes.append(_tell_problems(process(path, target), str(path), as_json=as_json))
            except DocprocError as error:
                codes.append(show(error, as_json=as_json, debug=debug, file=str(path)))
    return Rejected.exit_code if Rejected.exit_code in codes else max(codes)


@contextmanager
def _processor(server: str | None, options: ReadOptions, export: Export, captions: str) -> Iterator[Process]:
    """Yield what reads a file and writes it to its target, here or on a server; it returns problems of pages."""
    if server and captions:
        raise Usage("A server captions nothing while it reads.", hint="Leave out --server or --captions.")
    if server:
        with there.connect(server) as client:
            yield lambda path, target: there.process(client, path, options, export, target)
    else:
        model = open_model(Settings.from_environment(), model=captions, task="caption") if captions else None
        with Reader(options) as reader:
            yield lambda path, target: _process(reader, path, export, target, model)


def _process(reader: Reader, path: Path, export: Export, target: Target, model: Model | None) -> Problems:
    target.check()
    upload = reader.open(path)
    pages: Iterator[Page] = reader.pages(upload)
    if model:
        pages = captioned(reader, upload, pages, model)
    progress = tqdm(pages, path.name, upload.pages, unit="page", leave=False, disable=None, file=sys.stderr)
    with spooled(progress) as kept:
        document = reader.document(upload, kept)
        target.write(export.write(document, upload.path, password=upload.password))
        return document.problems


def _tell_problems(problems: Problems, file: str, *, as_json: bool) -> int:
    code = 0
    for number, problem in problems:
        error = EngineFailed(problem.message, hint=problem.hint, code=problem.code)
        code = show(error, as_json=as_json, file=file, page=number)
    return code


@contextmanager
def _stdin_as_file(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Give `-` a file of its own, as parsers need one; yield the files."""
    if STDIN not in files:
        yield list(files)
        return
    if files.count(STDIN) > 1:
        raise Usage("Standard input can be read only once.", hint="Name - once.")
    with tempfile.TemporaryDirectory(prefix="docproc-") as folder:
        copy = Path(folder, "stdin")
        with copy.open("wb") as out:
            shutil.copyfileobj(sys.stdin.buffer, out)
        yield [copy if path == STDIN else path for path in files]
