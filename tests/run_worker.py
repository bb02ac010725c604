"""`docproc worker` with engines that start at once, some of which misbehave: what tests of the worker run.

python tests/run_worker.py --concurrency 2

DOCPROC_TEST_ENGINE names the one of `misbehaving.py` that reads where no engine is asked for.
"""

import os
import sys

from misbehaving import MISBEHAVING

from docproc import cli
from docproc.engines import ENGINES, LAYOUT_ENGINES

ENGINES.update(MISBEHAVING)
ENGINES["rapid"] = MISBEHAVING[os.environ.get("DOCPROC_TEST_ENGINE", "rapid")]
LAYOUT_ENGINES["pdf-layout"] = LAYOUT_ENGINES["fake"]
sys.exit(cli.run(["worker", *sys.argv[1:]]))
