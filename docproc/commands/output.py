"""Where results go: stdout, a file or a folder. A file is replaced only when its new content is complete."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from docproc.errors import DocprocError, Rejected, Usage
from docproc.intake import media_type_of


@dataclass(frozen=True, slots=True)
class Target:
    """A place for one result; `path` None is stdout."""

    path: Path | None
    binary: bool = False

    def check(self) -> None:
        """Raise before an hour of reading what can be known before it: a folder, no right to write."""
        if self.path is None:
            if self.binary and sys.stdout.isatty():
                raise Usage("A PDF does not belong on a terminal.", hint="Use --output FILE.")
            return
        real = _real(self.path)
        if real.is_dir():
            raise Usage(f"{self.path} is a folder.", hint="End it with / to write into it.")
        try:
            real.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot_write(real.parent, error) from error
        if not os.access(real if real.exists() else real.parent, os.W_OK):
            raise DocprocError(f"{self.path} cannot be written.", hint="Choose another --output.", code="output")

    def write(self, data: bytes) -> None:
        """Write the whole result; raise DocprocError when it cannot be written, leaving what was there."""
        if self.path is None:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        real = _real(self.path)
        try:
            _replace(real, data)
        except OSError as error:
            raise _cannot_write(self.path, error) from error


def _real(path: Path) -> Path:
    """Follow links, so that a link stays and the file behind it is replaced."""
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise DocprocError(f"{path} is a link to nowhere.", hint="Choose another --output.", code="output") from error


def _replace(path: Path, data: bytes) -> None:
    if path.exists() and not path.is_file():  # a pipe, /dev/null
        path.write_bytes(data)
        return
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        made.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        made.replace(path)
    except BaseException:
        with suppress(OSError):
            made.unlink()
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _cannot_write(path: Path, error: OSError) -> DocprocError:
    return DocprocError(
        f"{path} cannot be written: {error.strerror or error}.",
        hint="Nothing was replaced; free some space or choose another --output.",
        code="output",
    )


def targets(inputs: Sequence[Path], output: str | None, suffix: str) -> Iterator[tuple[Path, Target]]:
    """Pair every input file (folders opened up, sorted) with where its result goes."""
    files = [file for path in inputs for file in _files(path)]
    binary = suffix == ".pdf"
    if output is None:
        if binary and len(files) > 1:
            raise Usage("Several PDFs cannot go to one stream.", hint="Use --output FOLDER/.")
        yield from ((file, Target(None, binary)) for file in files)
        return
    into_folder = output.endswith(("/", os.sep)) or Path(output).is_dir() or len(files) != 1
    if not into_folder:
        yield files[0], Target(Path(output))
        return
    taken: set[str] = set()
    for file in files:
        name = file.stem + suffix if file.stem + suffix not in taken else file.name + suffix
        count = 1
        while name in taken:
            count += 1
            name = f"{file.name}-{count}{suffix}"
        taken.add(name)
        yield file, Target(Path(output, name))


def _files(path: Path) -> list[Path]:
    """Return the file, or the files of a folder that begin like something we read."""
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.is_file() and _readable(file))
    if not found:
        raise Rejected(f"There is nothing to read in {path}.", hint="It needs PDFs or images.", code="empty-folder")
    return found


def _readable(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return media_type_of(opened.read(1024)) is not None
    except OSError:
        return False
