"""Who sent a document and where they are: companies put their name first, and their address under it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median

from docproc.document import Line, Page
from docproc.fields.paper import Candidate, Paper, Place, words_in
from docproc.geometry import Box
from docproc.labels import named, plain
from docproc.values import find_values

TOP = 0.45
"""Share of the page that a letterhead lies in."""
MOST_LINES = 6
"""Lines of an address."""

_COMPANY = re.compile(
    r"\b(co|company|group|holding|"
    r"enterprise|enterprises|trading|store|stores|shop|market|supermarket|mart|hypermarket|restaurant|restoran|cafe|"
    r"bistro|bakery|kitchen|hotel|pharmacy|farmasi|hardware|stationery|books|bookstore|electrical|motor|auto|services|"
    r"solutions|systems|technologies|industries|syarikat|perniagaan|kedai|pasaraya|university|hospital|clinic|bank|"
    r"association|institute|foundation|department|ministry|council|agency|office|society|museum|school|gallery)\b\.?",
    re.IGNORECASE,
)
_LEGAL = re.compile(
    r"\b(s/?dn\.?\s?b\s?hd|bhd|ltd|limited|inc|llc|llp|plc|corp|corporation|gmbh|ag|kg|ohg|ug|e\.?k|mbh|b\.?v|n\.?v|"
    r"s\.a|s\.a\.s|sarl|s\.a\.r\.l|s\.l|s\.r\.l|srl|s\.p\.a|spa|oy|ab|a/s|aps|kft|pvt|pte|pty)\b\.?",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"\b(thank|thanks|welcome|visit|please|danke|merci|gracias|grazie|bedankt|terima)\b", re.IGNORECASE
)
_TITLES = re.compile(
    r"^\W*(tax|simplified|cash|credit|official|sales|pro\s?forma|commercial|original|copy|duplicate|customer|payment|"
    r"invoice|invoices|receipt|bill|memo|note|rechnung|faktur\w*|factu\w*|fattura|fatura|quittung|kassenbon|bon|welcome|"
    r"thank|you|to|us|the|again|order|statement|page|date|re|print\w*|s|#|no|of|and|/|&|-|\W)+\W*$",
    re.IGNORECASE,
)
_CONTACT = re.compile(
    r"\b(tel|telp|phone|fax|hp|h/p|mobile|gst|sst|vat|btw|kvk|ust|iban|bic|reg|roc|e-?mail|www|http|invoice|receipt|cashier|"
    r"date|bill|tin|hotline|website|company no|co\.? ?no|a/c|id|attn|pos)\b|@",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\b(street|str|st|road|rd|avenue|ave|lane|ln|drive|dr|jalan|jln|jin|lorong|lrg|taman|tmn|lot|suite|floor|flr|fir|level|box|"
    r"blvd|boulevard|way|square|plaza|rue|strasse|straße|weg|platz|laan|straat|plein|kade|calle|via|viale|piazza|industrial|"
    r"park|estate|bandar|unit|building|bldg|tower|block|blk|wisma|menara|kompleks|complex|mall|centre|center|selangor|"
    r"kuala|lumpur|johor|penang|malaysia|kampung|kg|persiaran|seksyen|section|po|p\.o|city|batu)\b|\w+(straße|strasse|weg|straat|laan|gasse)\b",
    re.IGNORECASE,
)
_POST_CODE = re.compile(r"\b(\d{4,6}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{4} ?[A-Z]{2}|[A-Z]{2} \d{5})\b")
_NUMBERED = re.compile(r"\(\s?\w*\d{3,}\s?-?\s?[A-Z]?\s?\)|^\W*\d{5,}-?[A-Z]\W*$")
"""The number that a company is registered under."""
_BEHIND_NAME = re.compile(r"\s*[(\[][^()\[\]]*\d[\d-]{3,}[^()\[\]]*[)\]]?\W*$")
_GOES_ON = re.compile(r"(&|-|,|\band|\bund|\bet|\bof)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The name and the address of who sent a page; None where none is found."""

    name: Candidate | None = None
    address: Candidate | None = None


def letterhead(paper: Paper) -> Letterhead:
    """Return what the top of the first page with text says of its sender."""
    page = next((page for page in paper.pages if page.lines), None)
    if page is None:
        return Letterhead()
    top = [line for line in _by_rows(page) if line.box.top < page.height * TOP and re.search(r"\w", line.text)]
    buyers = _of_others(paper, page)
    usual = median(line.box.height for line in page.lines)
    domains = _domains(paper)
    scored = [
        (_company_score(line, place, usual, domains), -place)
        for place, line in enumerate(top)
        if line.id not in buyers
    ]
    places = [place for place, line in enumerate(top) if line.id not in buyers]
    if not scored:
        return Letterhead()
    (score, _), place = max(zip(scored, places, strict=True))
    if score < 0.3:
        return Letterhead(None, _address(page, top, -1, buyers))
    lines = [top[place]]
    if not re.sub(r"[^a-z]", "", _LEGAL.sub("", top[place].text.lower())):  # "SDN BHD" on a line of its own
        above = [n for n in range(place) if _below(top, n) == place and top[n].id not in buyers]
        lines = [top[above[-1]], *lines] if above else lines
    following = _below(top, place)
    if following is not None and _continues(top[place], top[following]):
        lines.append(top[following])
        place = following
    return Letterhead(_name(page, lines, score), _address(page, top, place, buyers))


def like_address(text: str, least: int = 2) -> bool:
    """Whether a text has `least` of what addresses have: a street, a number, a post code, commas."""
    signs = [_STREET.search(text), re.search(r"\d", text), _POST_CODE.search(text), "," in text]
    return sum(map(bool, signs)) >= least


def names_company(text: str) -> bool:
    """Whether a line is the name of a company or an office by its last words ("Ltd", "Bakery"), and no address."""
    found = _LEGAL.search(text) or _COMPANY.search(text)
    return found is not None and not any(map(str.isdigit, text))


def _by_rows(page: Page) -> list[Line]:
    return sorted(page.lines, key=lambda line: (round(line.box.center[1] / 4), line.box.left))


def _of_others(paper: Paper, page: Page) -> set[str]:
    """Return the lines of pairs: they belong to whom the document is for, or are numbers and dates."""
    found = set()
    for entry in paper.entries:
        if entry.page != page.number or entry.score("seller") >= 0.9 or (entry.pair.confidence or 0) < 0.6:
            continue
        ids = (*entry.pair.value_word_ids, *entry.pair.key_word_ids)
        lines = [paper.line_of(entry.page, word_id) for word_id in ids]
        found |= {line.id for line in lines if line is not None}
    return found


def _company_score(line: Line, place: int, usual: float, domains: set[str]) -> float:
    text = line.text
    letters = sum(char.isalpha() for char in text)
    if letters < 3 or letters < 0.4 * len(text.replace(" ", "")) or len(text) > 70:
        return -1.0
    if _TITLES.match(text) or _THANKS.search(text):
        return -1.0
    score = 0.45 * max(1 - place / 12, 0.0)
    score += 0.5 if _LEGAL.search(text) else 0.2 if _COMPANY.search(text) else 0.0
    score += 0.3 * min(max(line.box.height / max(usual, 1.0) - 1, 0.0), 1.0)
    bare = re.sub(r"[^a-z0-9]", "", plain(text))
    score += max((0.6 * _shared(bare, domain) for domain in domains), default=0.0)
    known = named(text)
    score -= 0.6 if _CONTACT.search(text) or (known and known[0].score >= 0.9) else 0.0
    score -= 0.5 if like_address(_BEHIND_NAME.sub("", text)) else 0.0
    values = {value.kind for value in find_values(text)}
    score -= 0.4 if values & {"date", "money", "phone", "email", "url", "time"} else 0.0
    score -= 0.2 if text[:1].islower() or text.endswith(":") else 0.0
    return score


def _shared(bare: str, domain: str) -> float:
    """Return how much of the name in a web address a line is, 0-1."""
    if min(len(bare), len(domain)) < 4 or not (bare in domain or domain in bare):
        return 0.0
    return min(len(bare), len(domain)) / max(len(bare), len(domain))


def _domains(paper: Paper) -> set[str]:
    """Return the names in addresses of mail and web, without what follows the last point."""
    found = set()
    for _, _, value in paper.values:
        if value.kind in ("email", "url"):
            host = re.sub(r"^(https?://)?(www\.)?", "", value.normal.rpartition("@")[2]).split("/")[0]
            found.add(re.sub(r"[^a-z0-9]", "", host.rpartition(".")[0].lower().rpartition(".")[2]))
    return found - {"gmail", "hotmail", "yahoo", "outlook", "googlemail", ""}


def _below(lines: list[Line], place: int) -> int | None:
    """Return the line that stands right under another, in line with it."""
    upper = lines[place].box
    for number in range(place + 1, min(place + 6, len(lines))):
        lower = lines[number].box
        if lower.top - upper.bottom > 1.2 * max(upper.height, lower.height):
            return None
        if lower.center[1] > upper.bottom - 0.3 * upper.height and _in_line(upper, lower):
            return number
    return None


def _in_line(upper: Box, lower: Box) -> bool:
    near = 2 * max(upper.height, lower.height)
    shared = min(upper.right, lower.right) - max(upper.left, lower.left)
    edges = (abs(upper.left - lower.left), abs(upper.right - lower.right), abs(upper.center[0] - lower.center[0]))
    return min(edges) < near or shared > 0.7 * min(upper.width, lower.width)


def _continues(line: Line, following: Line) -> bool:
    """Whether a name goes on in the next line: it ends with &, or the next has little but the kind of company."""
    text = following.text
    if _CONTACT.search(text) or any(map(str.isdigit, text)) or like_address(text):
        return False
    rest = re.sub(r"[^a-z]", "", _COMPANY.sub("", _LEGAL.sub("", text)).lower())
    return bool(_GOES_ON.search(line.text)) or (len(rest) <= 2 and not _LEGAL.search(line.text))


def _name(page: Page, lines: list[Line], score: float) -> Candidate:
    texts: list[str] = []
    places: list[Place] = []
    for line in lines:
        match = _BEHIND_NAME.search(line.text)
        end = match.start() if match and match.start() > 2 else len(line.text)
        texts.append(line.text[:end].strip())
        places += words_in(page.number, line, 0, end)
    return Candidate(" ".join(texts), tuple(places), round(min(0.35 + 0.45 * score, 0.92), 2))


def _address(page: Page, top: list[Line], place: int, others: set[str]) -> Candidate | None:
    """Return the address under the line at `place`, or the first on the page when it is -1."""
    start = place
    if place < 0:
        start = next((n for n, line in enumerate(top) if line.id not in others and like_address(line.text)), -1)
        if start < 0:
            return None
        lines = [top[start]]
    else:
        lines = []
    at, skipped = start, 0
    while len(lines) < MOST_LINES:
        following = _below(top, at)
        if following is None:
            break
        line, at = top[following], following
        foreign = _CONTACT.search(line.text) or _TITLES.match(line.text) or line.id in others
        if lines and foreign:
            break
        starts = not foreign and _part_of_address(line.text) and not _NUMBERED.search(line.text)
        if not lines and not (starts and (like_address(line.text) or _STREET.search(line.text) or _begins(top, at))):
            skipped += 1
            if skipped > 3:
                break
            continue
        if lines and find_values(line.text) and not _part_of_address(line.text):
            break
        lines.append(line)
    if not lines or not any(char.isdigit() for line in lines for char in line.text):
        return None
    places = tuple((page.number, word) for line in lines for word in line.words)
    sure = 0.75 if any(_POST_CODE.search(line.text) for line in lines) else 0.5
    return Candidate(" ".join(line.text for line in lines), places, sure)


def _begins(top: list[Line], place: int) -> bool:
    """Whether a line is a street with its number, because a post code follows in the next."""
    line, following = top[place], _below(top, place)
    numbered = any(map(str.isdigit, line.text)) and sum(map(str.isalpha, line.text)) >= 3
    return numbered and following is not None and bool(_POST_CODE.search(top[following].text))


def _part_of_address(text: str) -> bool:
    kinds = {value.kind for value in find_values(text)}
    return not kinds & {"date", "money", "time", "percent", "email", "url", "phone"}
