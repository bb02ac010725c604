"""`docproc worker` with engines that start at once, some of which misbehave: what tests of the worker run.

python tests/run_worker.py --concurrency 2
"""

import sys

from misbehaving import MISBEHAVING

from docproc import cli
from docproc.engines import ENGINES, LAYOUT_ENGINES

ENGINES.update(MISBEHAVING)
LAYOUT_ENGINES["pdf-layout"] = LAYOUT_ENGINES["fake"]
sys.exit(cli.run(["worker", *sys.argv[1:]]))
