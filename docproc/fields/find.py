"""One field of a document: by a rule for its role, the pair whose label says it, or the only value of its kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from rapidfuzz import fuzz

from docproc.fields.amounts import amounts
from docproc.fields.letterhead import Letterhead, letterhead, like_address, names_company
from docproc.fields.paper import Candidate, Entry, Paper, words_in
from docproc.fields.schema import Hint
from docproc.fields.typed import fits
from docproc.labels import plain
from docproc.labels.letters import CLOSING, GREETING

LIKE = 80.0
"""Likeness (0-100) of a label and a wording of the schema from which they mean the same."""
LEAST = 0.35
"""What is less sure is not given: null is better than a guess."""

Rule = Callable[[Paper], Candidate | None]
_ONE_OF_A_KIND = {"tax_id": "vat", "email": "email", "website": "url", "iban": "iban", "phone": "phone"}
_IN_CARE = re.compile(r"\W*(attn|attention|c/o|care of|z\.? ?hd|t\.a\.v|contact|a l'attention)\b", re.IGNORECASE)
"""What stands before a person inside an address."""
_PARTIES = frozenset(
    f"{party}{part}" for party in ("seller", "buyer", "recipient", "ship_to", "sender") for part in ("", " address")
)
_OTHER_DATES = ("due_date", "delivery_date", "start_date", "end_date", "birth_date", "period")


def find_field(paper: Paper, hint: Hint) -> Candidate | None:
    """Return what a field most likely is, None when the document does not say it or nothing is sure enough."""
    best = max(_candidates(paper, hint), key=lambda one: one.confidence, default=None)
    return best if best is not None and best.confidence >= LEAST else None


def _candidates(paper: Paper, hint: Hint) -> Iterator[Candidate]:
    for place, role in enumerate(hint.roles[:4]):
        rule = RULES.get(role)
        found = rule(paper) if rule else None
        if found is not None and fits(found, hint, paper):
            yield replace(found, confidence=round(found.confidence * 0.97**place, 3))
            if place == 0 and role in _PARTIES:
                return  # a pair has name and address in one
    if hint.roles and hint.roles[0] in ("total", "subtotal", "tax"):
        return  # their rules have seen every pair
    for entry in paper.entries:
        match = _match(entry, hint)
        if match < 0.5:
            continue
        candidate = _of(paper, entry, match)
        if fits(candidate, hint, paper):
            yield candidate
    for role in hint.roles[:2]:
        if role in _ONE_OF_A_KIND:
            yield from _only(paper, _ONE_OF_A_KIND[role], hint)


def _match(entry: Entry, hint: Hint) -> float:
    """Return how well a label fits a hint, 0-1: by the field both name, or by their letters."""
    own = plain(entry.pair.key)
    like = max((_likeness(own, wording) for wording in hint.wordings[:2]), default=0.0)
    by_letters = like / 100 if like >= LIKE else 0.0
    by_role = 0.0
    for place, role in enumerate(hint.roles[:4]):
        best = entry.fields[0].score if entry.fields else 0.0
        score = entry.score(role)
        if score >= 0.9 and score >= best:
            by_role = max(by_role, score * 0.96**place)
        else:
            by_role = max(by_role, 0.75 * score * 0.96**place)
    return max(by_letters, by_role)


@lru_cache(maxsize=8192)
def _likeness(label: str, wording: str) -> float:
    if not label or not wording:
        return 0.0
    if label == wording:
        return 100.0
    return min(float(fuzz.token_sort_ratio(label, wording)), 97.0)


def _of(paper: Paper, entry: Entry, match: float) -> Candidate:
    sure = entry.pair.confidence if entry.pair.confidence is not None else 0.5
    places = paper.places(entry.page, entry.pair.value_word_ids)
    early = 0.999 ** (entry.page - 1)
    return Candidate(entry.pair.value, places, round(match * (0.35 + 0.65 * sure) * early, 3))


def _only(paper: Paper, kind: str, hint: Hint) -> Iterator[Candidate]:
    """Yield the first value of a kind; several that differ are less sure."""
    found = [(page, line, value) for page, line, value in paper.values if value.kind == kind]
    if not found:
        return
    page, line, value = found[0]
    differ = len({one.normal for _, _, one in found})
    candidate = Candidate(
        value.text, words_in(page, line, value.start, value.end), round(0.6 * 0.85 ** (differ - 1), 3), value.normal
    )
    if fits(candidate, hint, paper):
        yield candidate


def _date(paper: Paper) -> Candidate | None:
    """Return the date of the document: what a label for it says, else the first that is no other date."""
    best: Candidate | None = None
    taken: set[str] = set()
    for entry in paper.entries:
        if any(entry.score(other) >= 0.9 for other in _OTHER_DATES):
            taken.update(entry.pair.value_word_ids)
        score = entry.score("date")
        if score < 0.4:
            continue
        words = set(plain(entry.pair.key).split())
        score += (
            0.05
            if words & {"invoice", "bill", "receipt", "issue", "issued", "rechnungsdatum", "factuurdatum"}
            else 0.0
        )
        score -= 0.1 if words & {"order", "print", "printed", "orderdatum", "bestelldatum", "statement"} else 0.0
        candidate = _of(paper, entry, score)
        dated = _date_in(paper, candidate)
        if dated and (best is None or dated.confidence > best.confidence):
            best = dated
    if best is not None:
        return best
    free = [
        (page, line, value)
        for page, line, value in paper.values
        if value.kind == "date" and len(value.normal) == 10 and not _has(line, taken)
    ]
    if not free:
        return None
    timed = [one for one in free if any(v.kind == "time" for p, line, v in paper.values if line is one[1])]
    page, line, value = (timed or free)[0]
    alone = len({one.normal for _, _, one in free}) == 1
    return Candidate(
        value.text, words_in(page, line, value.start, value.end), 0.7 if alone or timed else 0.5, value.normal
    )


def _time(paper: Paper) -> Candidate | None:
    """Return the time that stands beside the date of the document."""
    dated = _date(paper)
    lines = {line.id for page, word in dated.places if (line := paper.line_of(page, word.id))} if dated else set()
    for page, line, value in paper.values:
        if value.kind == "time" and line.id in lines:
            return Candidate(value.text, words_in(page, line, value.start, value.end), 0.7, value.normal)
    return None


def _date_in(paper: Paper, candidate: Candidate) -> Candidate | None:
    """Return the part of a candidate that is a date, with the words of that part."""
    for page in {page for page, _ in candidate.places}:
        lines = {line.id: line for _, word in candidate.places if (line := paper.line_of(page, word.id))}
        ids = {word.id for _, word in candidate.places}
        for number, line, value in paper.values:
            if number == page and line.id in lines and value.kind == "date":
                places = tuple(place for place in words_in(page, line, value.start, value.end) if place[1].id in ids)
                if places:
                    return Candidate(value.text, places, candidate.confidence, value.normal)
    return None


def _has(line: object, word_ids: set[str]) -> bool:
    return any(word.id in word_ids for word in getattr(line, "words", ()))


def _head(paper: Paper) -> Letterhead:
    return letterhead(paper)


def _seller(paper: Paper) -> Candidate | None:
    labelled, head = _party(paper, "seller", address=False), _head(paper).name
    if labelled and head:
        return max(replace(labelled, confidence=0.85 * labelled.confidence), head, key=lambda one: one.confidence)
    return labelled or head


def _seller_address(paper: Paper) -> Candidate | None:
    return _party(paper, "seller", address=True) or _head(paper).address or _labelled_address(paper)


def _party(paper: Paper, role: str, *, address: bool) -> Candidate | None:
    """Return the name (first line) or the address (the others) of what a label like "Bill to" stands before."""
    for entry in paper.entries:
        if entry.score(role) < 0.9 or (entry.fields and entry.fields[0].field != role and entry.fields[0].score >= 1):
            continue
        lines = paper.lines_of(entry)
        chosen = lines[_names([text for text, _ in lines]) :] if address else lines[:1]
        if not chosen or (not address and not any(map(str.isalpha, chosen[0][0]))):
            continue
        text = " ".join(text for text, _ in chosen)
        sure = round(
            (0.3 + 0.6 * (entry.pair.confidence or 0.5)) * (1.0 if len(lines) > 1 or not address else 0.6), 3
        )
        return Candidate(text, tuple(place for _, some in chosen for place in some), sure)
    return None


def _names(lines: Sequence[str]) -> int:
    """Return how many of the first lines say who lives somewhere, and not where: a person, their company."""
    count = 1
    while count < len(lines) - 1 and (names_company(lines[count]) or _IN_CARE.match(lines[count])):
        count += 1
    return count


def _labelled_address(paper: Paper) -> Candidate | None:
    for entry in paper.entries:
        if entry.score("address") >= 0.9 and like_address(entry.pair.value):
            return _of(paper, entry, 0.8)
    return None


def _other_block(paper: Paper, *, address: bool) -> Candidate | None:
    """Return the name or the address of the address block that is not the letterhead's: whom it was sent to."""
    page = next((page for page in paper.pages if page.regions), None)
    if page is None:
        return None
    head = _head(paper)
    own = {word.id for one in (head.name, head.address) if one for _, word in one.places}
    for region in page.regions:
        lines = [page.lines_by_id[line_id] for line_id in region.line_ids]
        if not 2 <= len(lines) <= 7 or region.box.top > 0.5 * page.height or any(_has(line, own) for line in lines):
            continue
        if any(":" in line.text for line in lines) or not like_address(" ".join(line.text for line in lines[1:])):
            continue
        chosen = lines[_names([line.text for line in lines]) :] if address else lines[:1]
        places = tuple((page.number, word) for line in chosen for word in line.words)
        return Candidate(" ".join(line.text for line in chosen), places, 0.5)
    return None


def _buyer(paper: Paper) -> Candidate | None:
    return _party(paper, "buyer", address=False) or _other_block(paper, address=False)


def _buyer_address(paper: Paper) -> Candidate | None:
    return _party(paper, "buyer", address=True) or _other_block(paper, address=True)


def _line_like(pattern: re.Pattern[str]) -> Rule:
    def rule(paper: Paper) -> Candidate | None:
        for page in paper.pages:
            for line in page.lines:
                if pattern.match(line.text.strip()) and len(line.text) < 80:
                    return Candidate(line.text.strip(), words_in(page.number, line), 0.8)
        return None

    return rule


def _signer(paper: Paper) -> Candidate | None:
    """Return the line under "Yours sincerely", that a person signed; else the letterhead's name."""
    for page in paper.pages:
        for number, line in enumerate(page.lines):
            if CLOSING.match(line.text.strip()):
                after = [one for one in page.lines[number + 1 : number + 4] if any(map(str.isalpha, one.text))]
                if after:
                    return Candidate(after[0].text, words_in(page.number, after[0]), 0.65)
    return _head(paper).name


def _currency(paper: Paper) -> Candidate | None:
    if not paper.currency:
        return None
    for page, line, value in paper.values:
        if value.kind == "money" and value.normal.endswith(f" {paper.currency}"):
            return Candidate(value.text, words_in(page, line, value.start, value.end), 0.85, paper.currency)
    mark = re.compile(rf"\b({paper.currency}|RM)\b")
    for one in paper.pages:
        for line in one.lines:
            if match := mark.search(line.text):
                return Candidate(match[0], words_in(one.number, line, *match.span()), 0.75, paper.currency)
    return None


def _title(paper: Paper) -> Candidate | None:
    for page in paper.pages[:1]:
        for region in page.regions:
            if region.label in ("title", "section-header") and region.line_ids:
                line = page.lines_by_id[region.line_ids[0]]
                return Candidate(line.text, words_in(page.number, line), 0.6)
    return None


def _amount(name: str) -> Rule:
    return lambda paper: amounts(paper).get(name)


RULES: Mapping[str, Rule] = {
    "total": _amount("total"),
    "subtotal": _amount("subtotal"),
    "tax": _amount("tax"),
    "date": _date,
    "time": _time,
    "seller": _seller,
    "seller address": _seller_address,
    "address": lambda paper: _head(paper).address or _labelled_address(paper),
    "buyer": _buyer,
    "buyer address": _buyer_address,
    "ship_to address": lambda paper: _party(paper, "ship_to", address=True),
    "recipient": lambda paper: _party(paper, "recipient", address=False) or _buyer(paper),
    "recipient address": lambda paper: _party(paper, "recipient", address=True) or _buyer_address(paper),
    "sender": _signer,
    "sender address": lambda paper: _head(paper).address,
    "salutation": _line_like(GREETING),
    "closing": _line_like(CLOSING),
    "currency": _currency,
    "title of the form": _title,
}
"""Role -> the rule that knows more of it than that a label says so."""
