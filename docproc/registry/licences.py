"""The licences of models that ask to be accepted: shown once, and the answer kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from docproc.errors import Usage
from docproc.registry.current import replace_file
from docproc.registry.folder import Registry

FILE = "licences.json"


@dataclass(frozen=True, slots=True)
class Licence:
    """What has to be accepted: an id, and text with the addresses of the terms."""

    id: str
    text: str


GEMMA = Licence(
    "gemma",
    "PaliGemma comes under the Gemma Terms of Use, which bind everybody you pass it on to:\n"
    "  https://ai.google.dev/gemma/terms\n"
    "and must not be used for what the Gemma Prohibited Use Policy lists:\n"
    "  https://ai.google.dev/gemma/prohibited_use_policy\n"
    "Checkpoints called -ft- were released for research only.",
)

Accept = Callable[[Licence], bool]
"""Shows a licence and returns whether it is accepted."""


def licence_called(name: str, *, gated: bool, page: str) -> Licence | None:
    """Return what must be accepted for a model whose page names the licence `name`; None when nothing."""
    if name == GEMMA.id:
        return GEMMA
    if gated:
        return Licence(name or page, f"The model comes under the licence {name or 'of its page'}:\n  {page}")
    return None


def require(registry: Registry, licence: Licence, accept: Accept) -> None:
    """Return when the licence was accepted, now or before; raise Usage when not."""
    path = registry.root / FILE
    accepted: dict[str, str] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if licence.id in accepted:
        return
    if not accept(licence):
        raise Usage(
            f"The licence {licence.id} was not accepted.",
            hint="Read the terms above; --accept-licence accepts them.",
            code="licence-not-accepted",
        )
    registry.root.mkdir(parents=True, exist_ok=True)
    accepted[licence.id] = datetime.now(UTC).isoformat(timespec="seconds")
    replace_file(path, json.dumps(accepted, indent=1) + "\n")
