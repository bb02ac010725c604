"""What a service costs beside the bare reader, and how long people wait while it reads.

    python benchmarks/load.py throughput --configurations 2x1 1x2
    python benchmarks/load.py latency --seconds 120 --clients 50 --streams 10

Throughput: one client uploads one file of drawn print pages (200 dpi, no text layer) to a real `docproc serve`
with WORKERSxTHREADS; `docproc process` reads the same file, in turns with it, so that whatever else the machine
does hits both. A minute counts from the upload to the end of the last page; for the bare reader from the first
page, models loaded, to the last: what the service has loaded is not held against the reader either. Both read
at the priority that `docproc serve` gives its workers.

Latency: clients with one connection each ask and wait in turns while one worker reads without a pause and others
watch it. The machine runs clients, server and worker all at once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from crowd import Seen, crowd, mix_of, run_all, watch
from pages import drawn_pages, joined
from served import Served, cpu_seconds, serve

from docproc.client import Client

READER = """
import json, os, sys, time
os.nice(10)
from pathlib import Path
from docproc.pipeline import Reader, ReadOptions
with Reader(ReadOptions(text_layer="never")) as reader:
    upload = reader.open(Path(sys.argv[1]))
    reader.page(upload, 1)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    count = sum(1 for _ in reader.pages(upload))
    print(json.dumps([count, time.perf_counter() - began]), flush=True)
    sys.stdin.readline()
"""
OPTIONS = {"text_layer": "never"}
Row = tuple[str, float, float]
"""What, pages per minute, CPU seconds per page."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("throughput")
    one.add_argument("--configurations", nargs="+", default=["2x1", "1x2"], help="WORKERSxTHREADS")
    one.add_argument("--pages", type=int, default=24)
    one.add_argument("--rounds", type=int, default=1)
    two = commands.add_parser("latency")
    two.add_argument("--clients", type=int, default=50)
    two.add_argument("--streams", type=int, default=10)
    two.add_argument("--seconds", type=float, default=120.0)
    two.add_argument("--pause", type=float, default=1.0, help="mean seconds between a client's requests")
    two.add_argument("--documents", type=int, default=12, help="documents of one and two pages that they look at")
    options = parser.parse_args()
    print(f"{time.strftime('%F %T')}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with TemporaryDirectory(prefix="docproc-") as folder:
        if options.command == "throughput":
            throughput(Path(folder), options.configurations, options.pages, options.rounds)
        else:
            latency(Path(folder), options)


def throughput(folder: Path, configurations: Sequence[str], count: int, rounds: int) -> None:
    """Print pages per minute of every configuration and of the reader between them."""
    singles = list(drawn_pages(folder, min(count, 12)))
    file = joined(singles, count, folder / "long.pdf")
    print("\n| what | pages per minute | CPU seconds per page | of the reader's speed | load |")
    print("|---|---:|---:|---:|---:|")
    for _ in range(rounds):
        for configuration in configurations:
            before = reader(file)
            row = service(file, singles[0].path, configuration)
            after = reader(file)
            speed = median([before[1], after[1]])
            for what, pages, cpu in (before, row, after):
                share = f"{pages / speed:.0%}" if what == row[0] else ""
                print(f"| {what} | {pages:.1f} | {cpu:.2f} | {share} | {os.getloadavg()[0]:.1f} |", flush=True)


def reader(file: Path) -> Row:
    """Read with the bare reader."""
    command = [sys.executable, "-c", READER, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        cpu = cpu_seconds(process.pid)
        print(file=process.stdin, flush=True)
        count, seconds = json.loads(process.stdout.readline())
        cpu = cpu_seconds(process.pid) - cpu
        process.stdin.close()
    return "bare reader", 60 * count / seconds, cpu / count


def service(file: Path, first: Path, configuration: str) -> Row:
    """Read with `docproc serve`, as WORKERSxTHREADS, after each worker has read a page."""
    workers, threads = (int(part) for part in configuration.split("x"))
    with serve(workers, threads) as served, served.client() as client:
        _warm(client, first)
        cpu, began = served.cpu(), time.perf_counter()
        document = client.upload(file, OPTIONS, duplicate=True)
        count = sum(event.kind == "page" for event in client.events(document))
        seconds, cpu = time.perf_counter() - began, served.cpu() - cpu
    name = "serve, defaults" if configuration == "0x0" else f"serve, {workers} workers of {threads} threads"
    return name, 60 * count / seconds, cpu / count


def _warm(client: Client, file: Path) -> None:
    for document in [client.upload(file, OPTIONS, duplicate=True) for _ in range(2)]:
        client.wait(document)


def latency(folder: Path, options: argparse.Namespace) -> None:
    """Print how long each kind of request took while one worker was busy."""
    singles = list(drawn_pages(folder, 12))
    with serve(workers=1) as served, served.client() as client:
        files = [
            joined(singles[number % len(singles) :], 1 + number % 2, folder.joinpath(f"{number}.pdf"))
            for number in range(options.documents)
        ]
        library = _library(client, files)
        long = joined(singles, 12, folder / "long.pdf")
        with _busy(served, long, options.seconds) as watched:
            seen = _use(served, options, library, watched)
    _report(seen, options)


def _library(client: Client, files: Sequence[Path]) -> list[tuple[str, int]]:
    documents = [client.upload(file, OPTIONS) for file in files]
    found = [(document, client.wait(document)["progress"]["pages"]) for document in documents]
    for document, pages in found:
        for number in range(1, pages + 1):
            client.picture(document, number, width=800)
    return found


@contextmanager
def _busy(served: Served, file: Path, seconds: float) -> Iterator[list[str]]:
    """Give the worker more than it can read in `seconds`; yield the documents."""
    with served.client() as client:
        yield [client.upload(file, OPTIONS, duplicate=True) for _ in range(max(int(seconds / 10), 10))]


def _use(served: Served, options: argparse.Namespace, library: list[tuple[str, int]], watched: Sequence[str]) -> Seen:
    until, streams = time.monotonic() + options.seconds, Seen()
    watching = [
        partial(watch, served.url, served.token, watched[at % 3], streams, until) for at in range(options.streams)
    ]
    beside = threading.Thread(target=run_all, args=(watching,), daemon=True)
    beside.start()
    about = {"clients": options.clients, "seconds": options.seconds, "pause": options.pause}
    seen = crowd(served.url, served.token, mix_of(library), **about)
    beside.join()
    seen.events, seen.streams, seen.refused = streams.events, streams.streams, streams.refused
    return seen


def _report(seen: Seen, options: argparse.Namespace) -> None:
    every = [value for values in seen.seconds.values() for value in values]
    print(
        f"\n{options.clients} clients, {options.pause} s between requests, {options.streams} streams, a busy worker"
    )
    print(f"{len(every) / options.seconds:.0f} requests per second, load {os.getloadavg()[0]:.1f}")
    print(f"statuses {dict(seen.statuses)}, broken {len(seen.broken)} {seen.broken[:3]}")
    print(f"{seen.streams} streams opened, {seen.refused} asked to come back, {seen.events} events\n")
    print("| request | count | p50 ms | p95 ms | p99 ms | max ms |\n|---|---:|---:|---:|---:|---:|")
    for kind, values in [*seen.seconds.items(), ("all", every)]:
        milliseconds = [1000 * value for value in values]
        cuts = quantiles(milliseconds, n=100)
        cells = [len(values), *(round(one) for one in (cuts[49], cuts[94], cuts[98], max(milliseconds)))]
        print(f"| {kind} | {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
