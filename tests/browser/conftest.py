"""Browsers, a live `docproc serve` with the real engines, and a site whose worker knows the answers."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_live import Live, serving
from browser_site import Site
from portal_site import Portal
from search_pages import page as page_made
from web_client import EXAMPLES
from werkzeug.serving import make_server

from docproc.settings import Settings
from docproc.store import migrate
from docproc.store.database import Database


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
    )
    if not path:
        pytest.skip("there is no Chromium on the path")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def live(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(chromium, tmp_path_factory.mktemp("live"), "--no-sample") as made:
        yield made


@pytest.fixture
def shots(request: pytest.FixtureRequest) -> Callable[[Any, str], None]:
    """Give what keeps pictures of pages in the folder that DOCPROC_TEST_SHOTS names, for people to look at."""
    folder = os.environ.get("DOCPROC_TEST_SHOTS", "")

    def shoot(page: Any, name: str) -> None:
        if folder:
            page.screenshot(path=Path(folder) / f"{request.node.name}-{name}.png")

    return shoot


@pytest.fixture
def site(chromium: Any, tmp_path: Path) -> Iterator[Site]:
    database = Database(Settings(data_dir=tmp_path))
    migrate.upgrade(database)
    database.close()
    portal = Portal(database, tmp_path)
    ada = portal.person("ada", "admin")
    pages = [page_made("Dear Mr Falk", "the water bill"), page_made("yours truly", number=2)]
    letter = portal.document(ada, pages, filename="letter.pdf", data=(EXAMPLES / "report.pdf").read_bytes())
    server = make_server("127.0.0.1", 0, portal.app, threaded=True)
    server.daemon_threads = False  # closing waits for requests: one that came later would start the sandbox again
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made = Site(portal, f"http://127.0.0.1:{server.port}", ada, letter, chromium)
    yield made
    for context in list(chromium.contexts):
        context.close()
    server.shutdown()
    server.server_close()
    thread.join(10)
    portal.app.extensions["docproc"].images.close()
    portal.close()
