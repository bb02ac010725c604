"""Run a command with a PostgreSQL, a Redis and a RabbitMQ of its own, which end with it.

    python .ci/servers.py pytest

Tests find them by DOCPROC_TEST_POSTGRES, DOCPROC_TEST_REDIS and DOCPROC_TEST_RABBITMQ, so that nothing that runs
on the machine already is touched, and nothing that it holds can make a test fail.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from private_servers import Postgres, RabbitMq, Redis


def main(command: list[str]) -> int:
    """Run the command and return how it ended."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)  # PostgreSQL is another user's
        servers = [Postgres(folder / "postgres"), Redis(folder / "redis"), RabbitMq(folder / "rabbitmq")]
        for server in servers:
            stack.callback(server.close)
            server.start()
        postgres, redis, rabbitmq = (server.url for server in servers)
        found = {
            "DOCPROC_TEST_POSTGRES": postgres.rpartition("/")[0],
            "DOCPROC_TEST_REDIS": redis,
            "DOCPROC_TEST_RABBITMQ": rabbitmq,
        }
        return subprocess.run(command, env={**os.environ, **found}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
