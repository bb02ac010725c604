"""axe-core on every page, light and dark, at a desk and on a phone: no violation."""

import threading
from typing import Any

import pytest
from portal_site import Portal
from search_pages import page as made_page
from web_client import EXAMPLES
from werkzeug.serving import make_server

from docproc.settings import Settings
from docproc.store import migrate, webhooks
from docproc.store.access import Principal
from docproc.store.database import Database

pytestmark = pytest.mark.browser
REPORT = (EXAMPLES / "report.pdf").read_bytes()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
NOT_SEEN = {"exclude": [[".text-layer"]]}
"""The invisible text over the picture is hidden from screen readers: the same text stands beside it."""


@pytest.fixture(scope="module")
def site(chromium: Any, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("site")
    database = Database(Settings(data_dir=folder))
    migrate.upgrade(database)
    database.close()
    portal = Portal(database, folder, webhook_networks="127.0.0.0/8")
    ada = portal.person("ada", "admin")
    letter = portal.document(
        ada,
        [made_page("Dear Mr Falk", "the water bill"), made_page("yours", number=2)],
        filename="a.pdf",
        data=REPORT,
    )
    broken = portal.document(ada, [made_page("one"), None], filename="broken.pdf", data=REPORT)
    running = portal.hand_in(ada, "running.pdf", REPORT)
    gone = portal.hand_in(ada, "gone.pdf", REPORT)
    ada.send(f"/documents/{gone}/discard")
    ada.send(f"/documents/{broken}/label", {"label": "to check"})
    ada.send(f"/documents/{letter}/review", {"verdict": "approved"})
    ada.send("/webhooks", {"url": "http://127.0.0.1:9/hook"}, status=200)
    with portal.database.write() as session:
        [hook] = webhooks.listing(session, Principal(ada.user_id, "ada", "admin"))
        webhooks.ping(session, hook)
        hook_id = hook.id
    server = make_server("127.0.0.1", 0, portal.app, threaded=True)
    server.daemon_threads = False  # closing waits for requests: one that came later would start the sandbox again
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    paths = [
        "/sign-in", "/", "/?view=grid", "/?name=nothing", "/trash", "/search", "/search?q=water", "/search?q=no+such",
        "/status", "/account", "/users", "/webhooks", f"/webhooks/{hook_id}", "/review", "/review/figures",
        "/review?show=disagreements",
        f"/documents/{letter}", f"/documents/{broken}", f"/documents/{running}",
        f"/documents/{letter}/pages/1?q=water", f"/documents/{broken}/pages/2",
        f"/documents/{letter}/pages/1/review", f"/documents/{letter}/findings", "/nowhere", "/search?q=watre+bill?",
        "/sign-in/link/x",
    ]  # fmt: skip
    yield f"http://127.0.0.1:{server.port}", ada.secret, paths
    for context in list(chromium.contexts):
        context.close()
    server.shutdown()
    server.server_close()
    thread.join(10)
    portal.app.extensions["docproc"].images.close()
    portal.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)])
def test_axe_finds_nothing(chromium: Any, site: Any, scheme: str, width: int):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()
    url, secret, paths = site
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    context.add_cookies([{"name": "docproc", "value": secret, "url": url}])
    page = context.new_page()
    found = []
    for path in paths:
        page.goto(url + path, wait_until="load")
        if page.locator(".desk[data-tiles]").count():
            page.locator(".desk[data-ready], #bench[data-ready]").first.wait_for()
        for one in axe.run(page, context=NOT_SEEN, options=RULES).response["violations"]:
            nodes = [node["html"][:160] + " " + node.get("failureSummary", "")[:160] for node in one["nodes"][:3]]
            found.append((path, one["id"], nodes))
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over > 0:
            found.append((path, "wider than the window", [str(over)]))
    assert found == []
    context.close()
