"""Pages as search sees them: words in reading order, where they stand, and their tokens."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

from docproc.document import Page
from docproc.store.search.tokenize import GAP, Token, labelled, tokenize

Word = tuple[str, str, Sequence[float]]
"""Id, text and `[left, top, right, bottom]` in points."""
Label = tuple[str, Sequence[str]]
"""What labels a value, and the ids of the words of both."""
LEVEL = 3
"""Of zlib: half of the time of the usual one, for a twentieth more bytes."""
GRAIN = 100
"""Steps of a point in which boxes are packed."""


@dataclass(frozen=True)
class Text:
    """The lines of a page in reading order, those of no region last. `boxes` has one box per word of all lines.

    `starts` are the indexes of the lines with which a region begins. `places` tells of each token the indexes of the
    words that it came from, counted over all lines. Labels of values come last, as tokens of their own kind
    (`labelled`), each behind a GAP; pages that were indexed without them get them by `docproc reindex`.
    """

    lines: Sequence[Sequence[str]]
    boxes: Sequence[Sequence[float]]
    starts: Sequence[int]
    tokens: Sequence[str]
    places: Sequence[Sequence[int]]

    @classmethod
    def of_page(cls, page: Page) -> Text:
        """Return the text of a page."""
        lines = {
            line.id: [(one.id, one.text, one.box.as_list()) for one in line.words or (line,)] for line in page.lines
        }
        labels = [(pair.key, (*pair.key_word_ids, *pair.value_word_ids)) for pair in page.key_values]
        return cls._of(lines, [region.line_ids for region in page.regions], labels)

    @classmethod
    def of_json(cls, page: Mapping[str, Any]) -> Text:
        """Return the text of a page's JSON as it is kept: a tenth of the time that making a Page of it takes."""
        lines = {
            line["id"]: [(one["id"], one["text"], one["box"]) for one in line["words"] or (line,)]
            for line in page["lines"]
        }
        labels = [
            (pair["key"], (*pair["key_word_ids"], *pair["value_word_ids"])) for pair in page.get("key_values", ())
        ]
        return cls._of(lines, [region["line_ids"] for region in page["regions"]], labels)

    @classmethod
    def _of(
        cls, lines: Mapping[str, Sequence[Word]], regions: Sequence[Sequence[str]], labels: Sequence[Label]
    ) -> Text:
        order = dict.fromkeys([line_id for region in regions for line_id in region if line_id in lines] + list(lines))
        ordered = [lines[line_id] for line_id in order]
        places = {line_id: index for index, line_id in enumerate(order)}
        starts = sorted({min((places[one] for one in region if one in places), default=0) for region in regions})
        words = [[text for _, text, _ in line] for line in ordered]
        number = {word_id: at for at, (word_id, _, _) in enumerate(one for line in ordered for one in line)}
        tokens = tokenize(words)
        for key, word_ids in labels:
            here = tuple(number[one] for one in word_ids if one in number)
            tokens += [Token(GAP, ()), *(Token(labelled(one.text), here) for one in tokenize([key.split()]))]
        boxes = [box for line in ordered for *_, box in line]
        return cls(words, boxes, starts, [token.text for token in tokens], [token.words for token in tokens])

    @classmethod
    def unpack(cls, data: bytes) -> Text:
        """Return the text that `pack` packed: a twentieth of the time that its reading takes."""
        lines, starts, tokens, places, steps = json.loads(zlib.decompress(data))
        sides = [[side / GRAIN for side in accumulate(column)] for column in steps]
        return cls(lines, list(zip(*sides, strict=True)), starts, tokens, places)

    def pack(self) -> bytes:
        """Return it as it is kept beside the index: about 4.5 kB for 350 words, boxes to the hundredth of a point."""
        sides = [[round(side * GRAIN) for side in column] for column in zip(*self.boxes, strict=True)]
        steps = [[side - before for before, side in pairwise([0, *column])] for column in sides]  # they pack small
        kept = [self.lines, self.starts, self.tokens, self.places, steps]
        text = json.dumps(kept, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return zlib.compress(text.encode("utf-8", "surrogatepass"), LEVEL)

    @cached_property
    def words(self) -> Sequence[str]:
        """All words; `places` counts these."""
        return [word for line in self.lines for word in line]

    @cached_property
    def region_starts(self) -> frozenset[int]:
        """The indexes of the words with which a region begins."""
        firsts = [0, *accumulate(map(len, self.lines))]
        return frozenset(firsts[line] for line in self.starts)
