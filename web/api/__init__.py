"""REST API v1: one module per resource, each with a `blueprint` made by `api()`.

Views are thin: check who may (`docproc.store.access`), call a verb of the store, return its values. Errors are
raised as the classes of `docproc.errors`; `web.errors` makes problem+json of them.
"""

from __future__ import annotations

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

PREFIX = "/api/v1"
PROBLEM: dict[str, Any] = {
    "description": "What went wrong and what to do next.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
"""How every error answers (RFC 9457)."""


def api(name: str, about: str) -> APIBlueprint:
    """Return the blueprint of one resource under /api/v1; `about` is what the documentation says of it."""
    return APIBlueprint(
        name,
        __name__,
        url_prefix=PREFIX,
        abp_tags=[Tag(name=name, description=about)],
        abp_security=[{"bearer": []}],
        abp_responses={"422": dict(PROBLEM), "default": dict(PROBLEM)},
    )
