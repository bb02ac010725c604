"""Documents with known truth, drawn by us: the examples, the test pages, the pages that benchmarks read.

The only generator of the project. Deterministic by seed; the text is our own and the fonts are those inside
PyMuPDF, so the result does not depend on the machine. The truth of a page is a `docproc.document.Page`, as an
engine would give it.
Never import an engine here.
"""

from docproc.synth.kinds import KINDS, Drawn, draw

__all__ = ["KINDS", "Drawn", "draw"]
