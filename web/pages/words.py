"""How things are said to people: sizes, times, numbers, states. All of these are Jinja filters of the same name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from docproc.document import Word

DOUBT_BELOW = 0.9
"""Confidence under which a word is marked as one to check."""
STATUS_WORDS: Mapping[str, str] = {
    "queued": "Waiting",
    "running": "Being read",
    "done": "Done",
    "partial": "Partly read",
    "rejected": "Rejected",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
SOURCE_WORDS: Mapping[str, str] = {
    "ocr": "read from the image",
    "text-layer": "from the PDF's own text",
    "mixed": "partly the PDF's own text",
}
EXPORT_TITLES: Mapping[str, str] = {
    "text": "Plain text",
    "markdown": "Markdown",
    "json": "Everything, as JSON",
    "hocr": "hOCR",
    "alto": "ALTO XML",
    "page": "PAGE XML",
    "pdf": "Searchable PDF",
    "pdfa": "Searchable PDF/A",
    "docling": "Docling JSON",
}
_STEPS = ((60, "second"), (60, "minute"), (24, "hour"), (7, "day"), (5, "week"))


def status_word(status: str) -> str:
    """Return a status as people say it."""
    return STATUS_WORDS.get(status, status)


def source_word(source: str) -> str:
    """Return where the text of a page comes from."""
    return SOURCE_WORDS.get(source, source)


def counted(count: int, noun: str) -> str:
    """Return `noun` in the number that `count` asks for: 1 page, 2 pages."""
    return noun if count == 1 else f"{noun}s"


def size(count: int) -> str:
    """Return bytes in the unit that suits them: 4.2 MB."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def percent(share: float | None) -> str:
    """Return a share of 0-1 as a percentage; "?" for None."""
    return "?" if share is None else f"{share * 100:.0f} %"


def duration(seconds: float) -> str:
    """Return seconds as 3.2 s, 4 min 10 s or 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def round_duration(seconds: float) -> str:
    """Return what seconds are about, in words that promise nothing: 10 s, 1 min, 3 min, 2 h 5 min."""
    if seconds < 45:
        return f"{max(5, round(seconds / 5) * 5)} s"
    return duration(max(1, round(seconds / 60)) * 60).removesuffix(" 0 s")


def ago(time: datetime, now: datetime | None = None) -> str:
    """Return how long ago `time` was: just now, 3 minutes ago; the date after five weeks."""
    amount = int(((now or datetime.now(UTC)) - time).total_seconds())
    if amount < 10:
        return "just now"
    for step, noun in _STEPS:
        if amount < step:
            return f"{amount} {counted(amount, noun)} ago"
        amount //= step
    return f"{time.day} {time:%B %Y}"


def doubtful(word: Word) -> bool:
    """Tell whether a word is one that a person should check."""
    return word.confidence is not None and word.confidence < DOUBT_BELOW


FILTERS: tuple[Callable[..., Any], ...] = (
    ago, counted, doubtful, duration, percent, round_duration, size, source_word, status_word,
)  # fmt: skip
