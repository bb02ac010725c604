"""A question about many pages: each is asked alone, in one batch, and its answer is matched to the words on it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from docproc.document import Page
from docproc.engines import Limits, VisionRequest
from docproc.errors import EngineFailed
from docproc.findings import Answer, Finding
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.tasks import answer
from docproc.tasks.asking import Ask, Seen
from docproc.tasks.ground import answer_of
from docproc.tasks.pages import Model
from docproc.tasks.views import views_of


def answer_pages(
    model: Model, question: str, images: Sequence[tuple[Page, PageImage]], *, seconds: float | None = None
) -> list[Answer]:
    """Return what the model answers on each page, in their order; `not_found` where it says that there is nothing.

    `images` are pages as they were read and as they look, upright. Evidence is always words that were read, found by
    what the answer says, never by coordinates of the model's; without such words an answer is `ungrounded`. `seconds`
    is the time for all pages. `best_answer` chooses one.

    Raises Usage when the model was not trained for questions or the question is empty or too long, EngineFailed when
    it fails.
    """
    ask = Ask(task=answer.name, thing=question)
    limits = Limits(answer.tokens, seconds)
    views = [views_of(answer, ask, image, model.trained, model.engine.side) for _, image in images]
    asked = [(view, answer.prompt(ask, view, model.trained)) for of_page in views for view in of_page]
    written = model.engine.generate([VisionRequest(view.image, prompt, limits) for view, prompt in asked])
    if len(written) != len(asked):
        raise EngineFailed(f"{model.engine.name} answered {len(written)} of {len(asked)} prompts.")
    engine, found, rest = f"{model.engine.name} {model.engine.version}", [], zip(asked, written, strict=True)
    for (page, _), of_page in zip(images, views, strict=True):
        sheet, findings = Box(0, 0, page.width, page.height), list[Finding]()
        for (view, prompt), generation in islice(rest, len(of_page)):
            seen = Seen(ask=ask, number=page.number, page=sheet, view=view, prompt=prompt, generation=generation)
            findings += answer.parse(seen).findings
        findings = sorted(findings, key=lambda one: -(one.confidence or 0.0))[:1]  # of many views the surest
        found.append(answer_of(findings, [page], question=question, engine=engine))
    return found


def best_answer(answers: Sequence[Answer]) -> Answer | None:
    """Return the best of some answers: one that words say before one that none do, then the most confident.

    None when none of them found anything.
    """
    said = [one for one in answers if not one.not_found]
    return max(said, key=lambda one: (not one.ungrounded, one.confidence or 0.0), default=None)
