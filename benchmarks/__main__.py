"""The command: `python -m benchmarks [NAME ...] [--threads 2] [--quick]`."""

import argparse
import importlib
import os
import platform
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.settings import THREAD_VARIABLES, Settings

if TYPE_CHECKING:
    from benchmarks.rows import Row

NAMES = (
    *("encoding", "neurons", "cka", "retrieval", "pool", "judging", "every_probe"),
    *("cka_peers", "retrieval_peers", "margin_at_scale", "choosing", "words", "realigning", "startup"),
    *("selecting_transport", "selecting_information", "selecting_covering", "selecting_pipeline"),
)


def main() -> None:
    """Measure what is named, or everything, and print one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--threads", type=int, default=2, help="of every library, ours and the reference's")
    parser.add_argument("--quick", action="store_true", help="smaller sizes and fewer repeats")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"NAME must be one of {', '.join(NAMES)}, got {', '.join(sorted(unknown))}")
    settings = Settings(threads=arguments.threads, quick=arguments.quick)
    for variable in THREAD_VARIABLES:  # before any numerical library is loaded
        os.environ[variable] = str(settings.threads)
    os.environ["HF_HUB_OFFLINE"] = "1"
    run(arguments.names or NAMES, settings)


def run(names: tuple[str, ...] | list[str], settings: Settings) -> None:
    """Measure and print; progress goes to stderr."""
    from benchmarks.rows import table_text
    from benchmarks.timing import threads_set

    found = []
    started = time.perf_counter()
    for name in names:
        module = importlib.import_module(f"benchmarks.{name}")
        with threads_set(settings.threads):
            for row in module.rows(settings):
                found.append(row)
                print(f"[{time.perf_counter() - started:4.0f} s] {name}: {row.what} {row.met}", file=sys.stderr)
    print(table_text(found))
    print("\n" + summary(found, settings), f"{time.perf_counter() - started:.0f} s in all", sep="; ")


def summary(found: "list[Row]", settings: Settings) -> str:
    """Say how many bars are met, and on what."""
    missed = sum(row.met == "MISSED" for row in found)
    held = sum(row.met in ("yes", "MISSED") for row in found)
    sizes = "quick sizes; " if settings.quick else ""
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    return f"{held - missed} of {held} bars met; {sizes}{settings.threads} threads; {machine}"


if __name__ == "__main__":
    main()
