"""A question about many pages: each is asked alone, in one batch, and its answer is matched to the words on it."""

from __future__ import annotations

from collections.abc import Sequence

from docproc.document import Page
from docproc.engines import Limits, VisionRequest
from docproc.errors import EngineFailed
from docproc.findings import Answer
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
    views = [views_of(answer, ask, image, model.trained, model.engine.side)[0] for _, image in images]
    prompts = [answer.prompt(ask, view, model.trained) for view in views]
    limits = Limits(answer.tokens, seconds)
    written = model.engine.generate(
        [VisionRequest(view.image, prompt, limits) for view, prompt in zip(views, prompts, strict=True)]
    )
    if len(written) != len(images):
        raise EngineFailed(f"{model.engine.name} answered {len(written)} of {len(images)} prompts.")
    engine, found = f"{model.engine.name} {model.engine.version}", []
    for (page, _), view, prompt, generation in zip(images, views, prompts, written, strict=True):
        sheet = Box(0, 0, page.width, page.height)
        seen = Seen(ask=ask, number=page.number, page=sheet, view=view, prompt=prompt, generation=generation)
        findings = answer.parse(seen).findings
        found.append(answer_of(findings, [page], question=question, engine=engine))
    return found


def best_answer(answers: Sequence[Answer]) -> Answer | None:
    """Return the best of some answers: one that words say before one that none do, then the most confident.

    None when none of them found anything.
    """
    said = [one for one in answers if not one.not_found]
    return max(said, key=lambda one: (not one.ungrounded, one.confidence or 0.0), default=None)
