"""The web process: REST API and portal, Flask around the store. It shows and queues; it never reads a page.

`create_app(settings)` makes the application; inside a request `context()` is what views work with and
`web.auth.current()` is who asks. Every module of `web.api` and `web.pages` named below has a `blueprint`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version

from flask import current_app
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix

from docproc.settings import Settings
from docproc.store.database import Database
from docproc.store.files import Files
from web.images import Images
from web.multipart import SpoolingRequest

PARTS = ("web.logs", "web.errors", "web.auth", "web.security")
"""Modules with an `init(app)`: what happens around every request, outermost first."""
API = (
    "web.api.docs",
    "web.api.documents",
    "web.api.upload",
    "web.api.events",
    "web.api.pages",
    "web.api.exports",
    "web.api.corrections",
    "web.api.reviews",
    "web.api.findings",
    "web.api.answers",
    "web.api.questions",
    "web.api.extractions",
    "web.api.webhooks",
    "web.api.search",
    "web.api.sharing",
    "web.api.users",
    "web.api.tokens",
    "web.api.audit",
    "web.api.health",
    "web.api.metrics",
)
"""Modules whose `blueprint` is a part of the REST API."""
PAGES: tuple[str, ...] = (
    "web.pages.frame",
    "web.pages.signin",
    "web.pages.people",
    "web.pages.documents",
    "web.pages.upload",
    "web.pages.document",
    "web.pages.share",
    "web.pages.findings",
    "web.pages.page",
    "web.pages.review",
    "web.pages.search",
    "web.pages.trash",
    "web.pages.status",
    "web.pages.hooks",
)
"""Modules whose `blueprint` is a part of the portal."""
FIELDS_BYTES = 1_000_000
"""What the fields of a form may add to the file that is sent with them."""


@dataclass(frozen=True, slots=True)
class Context:
    """What every view works with."""

    settings: Settings
    database: Database
    files: Files
    images: Images


def context() -> Context:
    """Return the context of the application that answers this request."""
    found: Context = current_app.extensions["docproc"]
    return found


def create_app(settings: Settings) -> OpenAPI:
    """Return the application. It opens nothing: the database connects with the first request, after any fork."""
    from web.errors import Problem, invalid  # noqa: PLC0415  (views import this package)

    app = OpenAPI(
        __name__,
        info=Info(title="docproc", version=version("docproc")),
        security_schemes={"bearer": {"type": "http", "scheme": "bearer"}},
        validation_error_model=Problem,
        validation_error_callback=invalid,
        doc_ui=False,
    )
    app.request_class = SpoolingRequest
    app.config["MAX_CONTENT_LENGTH"] = settings.max_bytes + FIELDS_BYTES
    app.extensions["docproc"] = Context(settings, Database(settings), Files(settings), Images(settings))
    if behind := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=behind, x_proto=behind, x_host=behind)  # type: ignore[method-assign]
    for name in PARTS:
        import_module(name).init(app)
    for name in (*API, *PAGES):
        _register(app, import_module(name).blueprint)
    return app


def _register(app: OpenAPI, blueprint: object) -> None:
    if isinstance(blueprint, APIBlueprint):
        before = dict(app.paths)
        app.register_api(blueprint)
        for path in before.keys() & blueprint.paths.keys():  # the library would forget the other's methods
            methods = {name: getattr(blueprint.paths[path], name) for name in blueprint.paths[path].model_fields_set}
            app.paths[path] = before[path].model_copy(update=methods)
    else:
        app.register_blueprint(blueprint)  # type: ignore[arg-type]  # a plain one
