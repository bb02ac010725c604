"""A multipart body read as it comes in, so that its file goes straight to where it is kept.

Flask would first write the whole file into /tmp (which may be memory) or hold it; here it is written once.
"""

from __future__ import annotations

import io
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, BinaryIO, Generic, TypeVar

from flask import Request, current_app
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from docproc.errors import Usage

CHUNK = 1 << 16
FIELDS_MEMORY = 200_000
"""Bytes of all fields together that are held in memory."""
MOST_PARTS = 100
HEAD = 1024
"""Bytes that a file shows of itself before it is read."""
Kept = TypeVar("Kept")


class SpoolingRequest(Request):
    """A request whose forms, where they are read as a whole, keep files on the disk that will hold them."""

    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        incoming = current_app.extensions["docproc"].files.incoming
        incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        return tempfile.TemporaryFile(dir=incoming)


@dataclass(frozen=True, slots=True)
class Form(Generic[Kept]):
    """A form: what became of its file, and its other fields; a field may be sent several times."""

    file: Kept
    fields: dict[str, list[str]]


class FilePart(io.RawIOBase):
    """The file in a form, readable once; `filename` as the client says, `head` its first 1024 bytes."""

    def __init__(self, parts: _Parts, filename: str) -> None:
        super().__init__()
        self.filename = filename
        self._parts = parts
        self._buffer = b""
        self._more = True
        while self._more and len(self._buffer) < HEAD:
            self._buffer += self._pull()
        self.head = self._buffer[:HEAD]

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer
        """Fill `buffer` with what comes next; 0 at the end."""
        while self._more and not self._buffer:
            self._buffer = self._pull()
        count = min(len(buffer), len(self._buffer))
        buffer[:count] = self._buffer[:count]
        self._buffer = self._buffer[count:]
        return count

    def _pull(self) -> bytes:
        data, self._more = self._parts.data()
        return data


def read_form(request: Request, keep: Callable[[BinaryIO, str, bytes], Kept]) -> Form[Kept]:
    """Read the form that `request` sends; its part `file` is given to `keep` (stream, file name, first bytes).

    Raises Usage when it is no form with one file, and what `keep` raises.
    """
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/form-data" or not boundary:
        raise Usage("This is no form with a file.", hint="Send multipart/form-data with a part `file`.")
    parts = _Parts(request.stream, boundary)
    kept: list[Kept] = []
    fields: dict[str, list[str]] = defaultdict(list)
    while not isinstance(event := parts.next(), Epilogue):
        if isinstance(event, Field):
            fields[event.name or ""].append(parts.text())
        elif isinstance(event, File):
            if event.name != "file" or kept:
                raise Usage("A form takes one file, in the part `file`.", hint="Send several files one by one.")
            file = FilePart(parts, event.filename or "")
            kept.append(keep(io.BufferedReader(file, CHUNK), file.filename, file.head))
    if not kept:
        raise Usage("The form has no file.", hint="Send it in the part `file`, with a file name.")
    return Form(kept[0], dict(fields))


class _Parts:
    """The events of a multipart body, pulled one by one."""

    def __init__(self, stream: IO[bytes], boundary: str) -> None:
        self._stream = stream
        self._decoder = MultipartDecoder(boundary.encode("latin-1", "replace"), FIELDS_MEMORY, max_parts=MOST_PARTS)

    def next(self) -> Event:
        """Return the next event; raise Usage where the body is malformed."""
        try:
            while isinstance(event := self._decoder.next_event(), NeedData):
                self._decoder.receive_data(self._stream.read(CHUNK) or None)
        except ValueError as error:
            raise Usage(f"The form is malformed: {error}.", hint="Let a library encode it.") from error
        return event

    def data(self) -> tuple[bytes, bool]:
        """Return some bytes of the part, and whether there are more."""
        event = self.next()
        if not isinstance(event, Data):
            raise Usage("The form is malformed: it ends within a part.", hint="Let a library encode it.")
        return event.data, event.more_data

    def text(self) -> str:
        """Return the rest of a field."""
        held, more = b"", True
        while more:
            data, more = self.data()
            held += data
            if len(held) > FIELDS_MEMORY:
                raise Usage("A field of the form is too long.")
        return held.decode("utf-8", "replace")
