"""The API describes itself: the OpenAPI document and a page to read it with, both served from here, offline."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, cast

from flask import Blueprint, Response, current_app, make_response, render_template, send_from_directory
from flask_openapi3.openapi import OpenAPI

from docproc.errors import NotFound

blueprint = Blueprint("docs", __name__, url_prefix="/api/v1")
FILES = {
    "swagger-ui.css": "css",
    "swagger-ui-bundle.js": "js",
}
"""The files of Swagger UI that the page needs, and their folders in the package that carries them."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI styles its elements as it draws them; no script but its own runs."""


@blueprint.get("/openapi.json")
def openapi() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    return cast(OpenAPI, current_app).api_doc


@blueprint.get("/docs")
def page() -> Response:
    """Show the documentation page."""
    response = make_response(render_template("api_docs.html"))
    response.headers["Content-Security-Policy"] = POLICY
    return response


@blueprint.get("/docs/<name>")
def asset(name: str) -> Response:
    """Return a file of Swagger UI."""
    if name not in FILES:
        raise NotFound("There is no such file.")
    folder = files("flask_openapi3_swagger").joinpath("templates", "swagger", FILES[name])
    return send_from_directory(str(folder), name, max_age=86_400)
