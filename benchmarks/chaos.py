"""Break everything while documents are read, and see that nothing is lost.

    python benchmarks/chaos.py --documents 100 --seed 1

Servers are started for it (`private_servers.py`); documents come in through the API while, in an order that the
seed gives, processes are killed and frozen, brokers and databases restarted or emptied, and the disk filled. Then
every row and every file is looked at. Ends with 1 when anything was lost.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import chaos_site
import httpx
import pymupdf
from chaos_losses import losses, outcome
from chaos_site import LEASE_SECONDS, Site
from private_servers import How, Postgres, RabbitMq, Redis, Server
from sqlalchemy import func, select

from docproc.errors import Unavailable
from docproc.store.database import Database
from docproc.store.tables import DocumentRow

RESULTS = Path(__file__).parent / "results" / "chaos.md"
PAGES = (1, 5)
"""Fewest and most pages of a document; three on the average."""
PAUSE = (0.5, 3.0)
"""Seconds between two blows."""
DOWN = (0.0, 4.0)
"""Seconds that a server stays away."""
BETWEEN = (0.0, 1.0)
"""Seconds between two documents."""
FREEZES = 40
"""How often it is tried to freeze a process before its job is done."""
STUCK_SECONDS = 300.0
"""Without progress for so long once nothing is broken any more, the rest is taken for lost."""


@dataclass
class Phase:
    """One installation that is broken, and what became of it."""

    name: str
    done: Counter[str] = field(default_factory=Counter)
    came_to: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Blows:
    """What can be done to a site, each called by its name in the report."""

    def __init__(self, site: Site, chance: random.Random, postgres: Postgres | None) -> None:
        self.site, self.chance, self.postgres = site, chance, postgres
        self.kinds: dict[str, Callable[[], bool]] = {
            "child of a worker killed": lambda: self._kill(site.busy() or site.children_of_workers()),
            "worker killed": lambda: self._kill(site.main_of_worker()),
            "parser killed": lambda: self._kill(site.parsers()),
            "child of a worker frozen beyond its lease": self._freeze,
            "web server killed": lambda: self._kill([site.running["web"].pid]),
        }

    def add(self, name: str, blow: Callable[[], None]) -> None:
        """Add one more kind."""

        def always() -> bool:
            blow()
            return True

        self.kinds[name] = always

    def restart(self, server: Server, how: How) -> None:
        """Stop a server, start it again after a while."""
        server.stop(how)
        time.sleep(self.chance.uniform(*DOWN))
        server.start()

    def fill_disk(self) -> None:
        """Leave no byte free for a while; a database that ended over it is started again."""
        ballast = chaos_site.fill(self.site.folder / "disk")
        time.sleep(self.chance.uniform(2, 8))
        ballast.unlink()
        if self.postgres is not None and not self.postgres.runs():
            self.postgres.start()

    def _kill(self, pids: Sequence[int]) -> bool:
        if pids:
            self.site.kill(self.chance.choice(pids))
        return bool(pids)

    def _freeze(self) -> bool:
        """Stop a process that has a job, and let it go on when the job is another's."""
        for _ in range(FREEZES):
            for pid in self.site.busy()[:1]:
                _signal(pid, signal.SIGSTOP)
                if pid in self.site.busy():
                    timer = threading.Timer(
                        LEASE_SECONDS * self.chance.uniform(1.3, 2.5), _signal, [pid, signal.SIGCONT]
                    )
                    timer.daemon = True
                    timer.start()
                    return True
                _signal(pid, signal.SIGCONT)
            time.sleep(0.05)
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


class Uploads(threading.Thread):
    """Hands in documents through the API, each until it is accepted; `accepted` maps ids to pages."""

    def __init__(self, site: Site, paths: Sequence[Path]) -> None:
        super().__init__(daemon=True)
        self._site, self._paths = site, paths
        self.accepted: dict[str, int] = {}
        self.refused = 0

    def run(self) -> None:
        """Hand in one after the other."""
        chance = random.Random(0)
        for path in self._paths:
            time.sleep(chance.uniform(*BETWEEN))
            with pymupdf.open(path) as pdf:
                pages = len(pdf)
            with self._site.client() as client:
                while True:
                    try:
                        self.accepted[client.upload(path)] = pages
                        break
                    except (Unavailable, httpx.TransportError):  # what a client has to expect, and to try again
                        self.refused += 1
                        time.sleep(0.5)


def attack(blows: Blows, paths: Sequence[Path], phase: Phase) -> Mapping[str, int]:
    """Hand in documents and strike until all of them are at an end; return what was accepted."""
    site, chance, bag = blows.site, blows.chance, list[str]()
    uploads = Uploads(site, paths)
    site.tend()
    site.wait_for_web()
    uploads.start()
    while uploads.is_alive() or _open(site):
        time.sleep(chance.uniform(*PAUSE))
        site.tend()
        if not bag:
            bag = chance.sample(list(blows.kinds), len(blows.kinds))
        kind = bag.pop()
        phase.done[kind] += blows.kinds[kind]()
        site.tend()
        _say(f"{phase.name}: {len(uploads.accepted)} accepted, {_open(site)} to do; {kind}")
    phase.done["upload that had to be repeated"] += uploads.refused
    return uploads.accepted


def settle(site: Site) -> None:
    """Wait until what is left is done, or nothing moves any more."""
    since, before = time.monotonic(), -1
    while (left := _open(site)) and time.monotonic() - since < STUCK_SECONDS:
        if left != before:
            since, before = time.monotonic(), left
        site.tend()
        time.sleep(0.5)


def _open(site: Site) -> int:
    """Return how many documents are not at their end; -1 when the database does not say."""
    database = Database(site.settings)
    query = select(func.count()).where(DocumentRow.status.in_(("queued", "running")))
    try:
        with database.read() as session:
            return session.scalar(query) or 0
    except Unavailable:
        return -1
    finally:
        database.close()


def servers(broker: type[Redis | RabbitMq]) -> Callable[[Path, Sequence[Path], argparse.Namespace], Phase]:
    """Return the phase on PostgreSQL and a broker."""

    def play(folder: Path, paths: Sequence[Path], chosen: argparse.Namespace) -> Phase:
        with ExitStack() as stack:
            mounted = stack.enter_context(chaos_site.disk(folder / "disk"))
            postgres, messages = Postgres(folder / "disk" / "postgres"), broker(folder / "broker")
            for server in (postgres, messages):
                stack.callback(server.close)
                server.start()
            blows = Blows(_site(folder, chosen, postgres.url, messages.url), _chance(chosen, messages.name), postgres)
            for server in (postgres, messages):
                blows.add(f"{server.name} restarted", partial(blows.restart, server, "gently"))
                blows.add(f"{server.name} crashed", partial(blows.restart, server, "hard"))
            if isinstance(messages, Redis):
                blows.add("Redis flushed", messages.flush)
            return _run(blows, paths, f"PostgreSQL and {messages.name}", mounted=mounted)

    return play


def embedded(folder: Path, paths: Sequence[Path], chosen: argparse.Namespace) -> Phase:
    """SQLite, and messages in the data folder."""
    with chaos_site.disk(folder / "disk") as mounted:
        blows = Blows(_site(folder, chosen), _chance(chosen, "SQLite"), None)
        return _run(blows, paths, "SQLite, no servers", mounted=mounted)


PHASES: Mapping[str, Callable[[Path, Sequence[Path], argparse.Namespace], Phase]] = {
    "redis": servers(Redis),
    "rabbitmq": servers(RabbitMq),
    "embedded": embedded,
}


def _chance(chosen: argparse.Namespace, name: str) -> random.Random:
    return random.Random(f"{chosen.seed} {name}")


def _site(folder: Path, chosen: argparse.Namespace, database_url: str = "", broker_url: str = "") -> Site:
    settings = chaos_site.settings(folder, database_url, broker_url)
    settings.data_dir.mkdir(exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    return Site(folder, settings, chosen.workers, chosen.concurrency)


def _run(blows: Blows, paths: Sequence[Path], name: str, *, mounted: bool) -> Phase:
    """Break one installation, and look at what came of it."""
    site, phase, began = blows.site, Phase(name), time.monotonic()
    site.prepare()
    if mounted:
        blows.add("disk full", blows.fill_disk)
    try:
        accepted = attack(blows, paths, phase)
        settle(site)
    finally:
        phase.lost.extend(site.stop())
    phase.seconds = time.monotonic() - began
    phase.done["process that ended by itself"] += site.deaths
    phase.done["result that came too late, and was dropped"] += site.dropped()
    phase.came_to.update(outcome(site))
    phase.lost.extend(losses(site, accepted))
    _say(f"{phase.name}: lost {len(phase.lost)}")
    return phase


def draw(folder: Path, count: int, seed: int) -> list[Path]:
    """Draw so many documents; page N shows N dark blobs, which is what the engine of this benchmark reads."""
    chance = random.Random(seed)
    folder.mkdir()
    for index in range(count):
        with pymupdf.open() as pdf:
            for number in range(1, chance.randint(*PAGES) + 1):
                page = pdf.new_page(width=200, height=300)
                for blob in range(number):
                    page.draw_rect((20, 20 + 50 * blob, 60 + chance.randint(0, 100), 40 + 50 * blob), fill=0)
            pdf.save(folder / f"{index:04}.pdf")
    return sorted(folder.iterdir())


def table(phases: Sequence[Phase], chosen: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the report."""
    yield f"# Chaos\n\n`python benchmarks/chaos.py --documents {chosen.documents} --seed {chosen.seed}`:"
    yield "what was done, what came of it, what was lost.\n"
    for phase in phases:
        yield f"## {phase.name}\n\n{phase.seconds / 60:.1f} minutes.\n\n| done to it | times |\n| --- | ---: |"
        yield from (f"| {what} | {count} |" for what, count in sorted(phase.done.items()))
        yield "\n| came to | |\n| --- | ---: |"
        yield from (f"| {what} | {count} |" for what, count in sorted(phase.came_to.items()))
        yield f"| **lost** | **{len(phase.lost)}** |\n"
        yield from (f"- {what}" for what in phase.lost)


@contextmanager
def _workplace(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="docproc-chaos-"))
    folder.chmod(0o755)  # PostgreSQL may run as another user
    try:
        yield folder
    finally:
        if keep:
            print(f"Logs are in {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)


def _say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=100, help="of each installation; three pages on average")
    parser.add_argument("--only", choices=PHASES, action="append", help="one installation, not all three")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--concurrency", type=int, default=2, help="of each worker")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    chosen = parser.parse_args()
    phases = []
    with _workplace(keep=chosen.keep) as folder:
        paths = draw(folder / "documents", chosen.documents, chosen.seed)
        for name in chosen.only or PHASES:
            (folder / name).mkdir()
            phases.append(PHASES[name](folder / name, paths, chosen))
            chosen.output.write_text("\n".join(table(phases, chosen)) + "\n", "utf-8")
    print(chosen.output.read_text("utf-8"))
    return 1 if any(phase.lost for phase in phases) else 0


if __name__ == "__main__":
    sys.exit(main())
