"""A running portal for browsers, whose documents were read by a worker that knows the answers."""

from dataclasses import dataclass, field
from typing import Any

from portal_site import Person, Portal


def listen(page: Any, note: Any) -> None:
    """Tell `note` of all that goes wrong in a page: its text, and whether it counts."""
    page.on("console", lambda message: note(message.text, message.type in {"error", "warning"}))
    page.on("pageerror", lambda error: note(str(error), True))
    page.on("dialog", lambda dialog: (note(f"dialog {dialog.message}", True), dialog.dismiss()))
    page.on("response", lambda answer: note(f"{answer.status} {answer.url}", answer.status >= 400))


@dataclass
class Site:
    """A running portal with one reader's documents, and what browsers complained about."""

    portal: Portal
    url: str
    ada: Person
    letter: str
    browser: Any
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "/", **options: Any) -> Any:
        """Open a page in a context of its own; everything that goes wrong in it is noted."""
        context = self.browser.new_context(**options)
        context.add_cookies([{"name": "docproc", "value": self.ada.secret, "url": self.url}])
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.set_default_navigation_timeout(120_000)  # pictures of large pages, on a busy machine
        listen(page, self.note)
        page.goto(self.url + path)
        return page

    def note(self, text: str, bad: bool = True) -> None:
        if bad:
            self.complaints.append(text)


def expect(page: Any, selector: str) -> Any:
    """Wait until something matches `selector` and is seen; return it."""
    found = page.locator(selector).first
    found.wait_for(state="visible")
    return found
