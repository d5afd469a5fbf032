"""`python -m benchmarks`: measure all parts, or some, and print what came of it."""

from __future__ import annotations

import argparse
import resource
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from . import fanout, lists, message, start, webhooks, widget
from .report import Report

PARTS = {
    "message": message.measure,
    "fanout": fanout.measure,
    "lists": lists.measure,
    "widget": widget.measure,
    "webhooks": webhooks.measure,
    "start": start.measure,
}


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that everything works")
    parser.add_argument("--only", choices=PARTS, help="one part instead of all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there as well")
    options = parser.parse_args(arguments)
    # A terminated run cleans up as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _raise_file_limit()
    report = Report()
    try:
        for name in [options.only] if options.only else PARTS:
            with TemporaryDirectory(prefix="pocketping-benchmark-") as folder:
                PARTS[name](report, Path(folder), quick=options.quick)
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
    if options.json:
        report.write(options.json)


def _raise_file_limit() -> None:
    """Thousands of sockets need as many files, here and in the servers."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
