"""The only code that opens uploaded bytes. It runs in the sandbox child and nowhere else.

Never import engines or exports here: the child stays small, and it holds no secret.
A verb is `module:function`, imported on first use. The function takes the call's arguments as keywords
and returns `(values, blob)`: a dict that JSON can carry (finite numbers only) and bytes or a memoryview.
It says no by raising a `DocprocError`; any other exception ends the child, which costs that one call.
"""

from __future__ import annotations

VERBS: dict[str, str] = {
    "pdf-open": "docproc.parsers.pdf:open_file",
    "pdf-look": "docproc.parsers.pdf:look",
    "pdf-draw": "docproc.parsers.pdf:draw",
    "poppler-open": "docproc.parsers.poppler:open_file",
    "poppler-look": "docproc.parsers.poppler:look",
    "poppler-draw": "docproc.parsers.poppler:draw",
    "image-open": "docproc.parsers.image:open_file",
    "image-look": "docproc.parsers.image:look",
    "image-draw": "docproc.parsers.image:draw",
    "overlay": "docproc.parsers.overlay:write",
    "pdfa": "docproc.parsers.pdfa:write",
}
"""Verb -> `module:function`."""
