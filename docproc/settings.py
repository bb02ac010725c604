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
    database_url: str = field(
        default="", metadata=_help("postgresql://user:password@host/name; empty means SQLite in the data folder")
    )
    broker_url: str = field(
        default="",
        metadata=_help("redis://... or amqp://...; empty means a queue in the data folder, without a server"),
    )
    storage_url: str = field(
        default="", metadata=_help("where files are kept, such as s3://bucket/prefix; empty means the data folder")
    )
    secret_key: str = field(
        default="", metadata=_help("signs and encrypts what is secret; empty means one made in the data folder")
    )
    public_url: str = field(default="", metadata=_help("the address people use, where it is not the one served"))
    trusted_proxies: int = field(
        default=0, metadata=_help("reverse proxies in front that say who asks (X-Forwarded-*); 0 trusts none")
    )
    token: str = field(default="", metadata=_help("says who you are to the server of `docproc process --server`"))
    workers: int = field(default=0, metadata=_help("worker processes; 0 means as many as cores and memory allow"))
    worker_memory: int = field(
        default=2_500_000_000, metadata=_help("memory at which a worker process is replaced, in bytes")
    )
    page_attempts: int = field(default=3, metadata=_help("how often a page is tried before it is given up"))
    job_seconds: int = field(default=300, metadata=_help("longest time a worker may spend on one page, in seconds"))
    lease_seconds: float = field(
        default=30.0, metadata=_help("time without a sign of life after which a worker's page is given to another")
    )
    sweep_seconds: float = field(default=5.0, metadata=_help("how often workers look for work that was lost"))
    max_queued_pages: int = field(
        default=100_000, metadata=_help("pages one user may have waiting; uploads beyond are asked to wait")
    )
    trash_days: int = field(default=30, metadata=_help("days after which what is in the trash is deleted for good"))
    second_reader: str = field(
        default="",
        metadata=_help(
            "engine that reads lines again which the first one doubts (rapid, paligemma, ...); empty: none"
        ),
    )
    vision_engine: str = field(
        default="paligemma", metadata=_help("what computes for prompts about pages (findings)")
    )
    vision_model: str = field(
        default="", metadata=_help("the model for prompts about pages: a folder or a name; empty means none")
    )
    vision_weights: str = field(
        default="",
        metadata=_help("int8 or int4: that model in less memory, a bit worse; empty means as it is stored"),
    )
    vision_decode: str = field(
        default="",
        metadata=_help("static or compiled: a cache of fixed size, its steps as CUDA graphs; empty: neither"),
    )
    vision_devices: str = field(
        default="",
        metadata=_help(
            "cuda:0,cuda:1: a worker process of the queue gpu for each; empty means one, on a GPU if any; "
            "spread: one model over all GPUs, and what they do not hold in main memory"
        ),
    )
    vision_memory: int = field(
        default=0,
        metadata=_help("memory that prompts under way may take beside the model, in bytes; 0 means what is free"),
    )
    vision_url: str = field(
        default="", metadata=_help("the OpenAI-compatible server of the engine remote, like http://gpu:8000/v1")
    )
    vision_key: str = field(default="", metadata=_help("the key that this server asks for"))
    vision_seconds: float = field(default=120.0, metadata=_help("longest time for one of its answers, in seconds"))
    vision_requests: int = field(default=8, metadata=_help("requests to it at a time"))
    answer_precision: float = field(
        default=0.0,
        metadata=_help(
            "share of answers that has to be right, like 0.9; those less sure are not found; 0 gives best guesses"
        ),
    )
    webhook_networks: str = field(
        default="",
        metadata=_help("private networks webhooks may reach, as 10.0.0.0/8,192.168.0.0/16; empty means none"),
    )

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

    def environment(self) -> dict[str, str]:
        """Return the environment of a child process that is to have the same settings."""
        own = {PREFIX + one.name.upper(): str(getattr(self, one.name)) for one in fields(self)}
        return {**os.environ, **own}

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
