"""Registering an exported model: another form of one that is registered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from docproc.engines import load_export
from docproc.errors import Unavailable, Usage
from docproc.registry.card import Card
from docproc.registry.folder import Registry


def export_model(registry: Registry, model: str, *, name: str = "", weights: str = "") -> Card:
    """Export a registered model, or an adapter with its base, for OpenVINO; return the card of what was written.

    Raises Unavailable for a model that is not registered or a package that is missing, Usage for one of another kind.
    """
    card = registry.get(model)
    if card is None:
        raise Unavailable(f"There is no model {model}.", hint="`docproc models add` adds one.", code="no-checkpoint")
    if card.kind not in ("paligemma", "adapter"):
        raise Usage(f"{model} is no checkpoint that can be exported.", hint="`docproc models list` shows them.")
    name = name or f"{model}-openvino" + (f"-{weights}" if weights else "")
    registry.check_free(name)
    with registry.staged() as staged:
        load_export()(model, staged, registry, weights=weights)
        exported = replace(
            card, name=name, kind="exported", source=model, dtype=weights or "F32", base="", base_weights="",
            tasks=(), added=datetime.now(UTC).isoformat(timespec="seconds"),
        )  # fmt: skip
        return registry.put(staged, exported)
