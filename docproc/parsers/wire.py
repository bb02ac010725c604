"""Messages between the sandbox and its child: sizes, a JSON header, raw bytes. Both sides use it.

The parent trusts nothing that it reads: sizes are bounded, a header has the shape of a reply, NaN is refused.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any, NoReturn

Blob = bytes | bytearray | memoryview
PREFIX = struct.Struct(">IQ")
"""Before every message: bytes of the header, bytes of the blob."""
MAX_HEADER = 64_000_000
MAX_SENTENCE = 500
"""Characters of a message that a child may put before people."""


def send(channel: socket.socket, header: Mapping[str, Any], blob: Blob = b"") -> None:
    """Send one message; the channel's own time-out holds for each of its parts."""
    text = json.dumps(header, allow_nan=False).encode()
    channel.sendall(PREFIX.pack(len(text), memoryview(blob).nbytes) + text)
    channel.sendall(blob)


def receive(channel: socket.socket, *, largest: int, deadline: float | None = None) -> tuple[Any, memoryview]:
    """Return the header (any JSON) and the blob (at most `largest` bytes) of the next message.

    `deadline` is on the clock of `time.monotonic`. Raises TimeoutError, EOFError when the other side is gone,
    ValueError or RecursionError for what is no message.
    """
    header_size, blob_size = PREFIX.unpack(_exactly(channel, PREFIX.size, deadline))
    if header_size > MAX_HEADER or blob_size > largest:
        raise ValueError(f"a message of {header_size} + {blob_size} bytes is too large")
    header = json.loads(_exactly(channel, header_size, deadline), parse_constant=_no_constant)
    return header, memoryview(_exactly(channel, blob_size, deadline))


def as_reply(header: Any) -> dict[str, Any]:
    """Return `header` when it is a reply: {ok: true, values: {}} or {ok: false, kind, message, hint, code}.

    Raises ValueError for anything else. Sentences come back as one line of bounded length.
    """
    if isinstance(header, dict) and header.get("ok") is True and isinstance(header.get("values"), dict):
        return {"ok": True, "values": header["values"]}
    if not isinstance(header, dict) or header.get("ok") is not False:
        raise ValueError("the parser's answer is no reply")
    sentences = {name: header.get(name) for name in ("kind", "message", "hint", "code")}
    if not all(isinstance(sentence, str) for sentence in sentences.values()):
        raise ValueError("the parser's refusal has no message")
    return {"ok": False} | {name: _one_line(str(sentence)) for name, sentence in sentences.items()}


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> bytearray:
    data = bytearray(size)
    rest = memoryview(data)
    while rest:
        if deadline is not None:
            # 0 would mean "do not block"
            channel.settimeout(max(deadline - time.monotonic(), 1e-3))
        count = channel.recv_into(rest)
        if count == 0:
            raise EOFError("the other side is gone")
        rest = rest[count:]
    return data


def _one_line(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:MAX_SENTENCE]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
