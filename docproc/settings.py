"""The settings: one frozen value, read once from `DOCPROC_*`. The only reader of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from docproc.errors import Usage

PREFIX = "DOCPROC_"
TEST_PREFIX = "DOCPROC_TEST_"


def _help(text: str) -> dict[str, str]:
    return {"help": text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting with its default; the environment variable is `DOCPROC_` + the name in capitals."""

    data_dir: Path = field(
        default=Path("~/.local/share/docproc"), metadata=_help("folder for everything that is kept")
    )
    max_bytes: int = field(default=500_000_000, metadata=_help("largest file accepted, in bytes"))
    max_pages: int = field(default=5_000, metadata=_help("most pages of one file"))
    max_pixels: int = field(
        default=120_000_000, metadata=_help("most pixels of one page as drawn or as stored in an image")
    )
    page_seconds: float = field(
        default=60.0, metadata=_help("longest time a parser may spend on one page, in seconds")
    )
    parser_memory: int = field(
        default=4_000_000_000, metadata=_help("most address space of the parser process, in bytes")
    )
    threads: int = field(default=0, metadata=_help("threads that the engines use; 0 means one per core"))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read `DOCPROC_*`; raise Usage for an unknown name or a value of the wrong kind."""
        environment = os.environ if environment is None else environment
        known = {PREFIX + one.name.upper(): one for one in fields(cls)}
        values: dict[str, Any] = {}
        for name, text in environment.items():
            if not name.startswith(PREFIX) or name.startswith(TEST_PREFIX):
                continue
            if name not in known:
                raise Usage(f"There is no setting {name}.", hint="`docproc settings` lists them.")
            values[known[name].name] = _parse(name, text, type(known[name].default))
        return cls(**values)

    @classmethod
    def table(cls) -> list[tuple[str, str, str]]:
        """Return (environment variable, default, help) of every setting."""
        return [(PREFIX + one.name.upper(), str(one.default), one.metadata["help"]) for one in fields(cls)]


def _parse(name: str, text: str, kind: type) -> Any:
    try:
        value = kind(text)
    except ValueError:
        raise Usage(f"{name}={text!r} is not of the right kind.", hint=f"It takes {kind.__name__}.") from None
    if isinstance(value, int | float) and value < 0:
        raise Usage(f"{name}={text} is negative.", hint="It takes 0 or more.")
    return value
