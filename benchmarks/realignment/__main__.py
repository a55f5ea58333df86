"""The command: `python -m benchmarks.realignment --data DATA --out OUT`, and `--analyse --out OUT`."""

import argparse
import logging
import os
from pathlib import Path

from benchmarks.settings import data_folder


def main() -> None:
    """Run what is missing, then analyse what is there; with --analyse, the latter alone."""
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if not arguments.analyse:
        _run(arguments)
    from benchmarks.realignment.analysing import analyse

    print(analyse(arguments.out, csv=arguments.csv))


def _run(arguments: argparse.Namespace) -> None:
    from benchmarks.realignment.running import run_grid
    from benchmarks.realignment.settings import Experiment, Training

    experiment = Experiment(
        data=arguments.data,
        out=arguments.out,
        copy=arguments.copy or arguments.out / "unaligned",
        models=tuple(arguments.models.split(",")),
        sizes=tuple(int(k) for k in arguments.k.split(",")),
        n_draws=arguments.draws,
        n_seeds=arguments.seeds,
        training=Training(steps=arguments.steps),
        workers=arguments.workers,
        limit=arguments.limit,
    )
    run_grid(experiment)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.realignment", description=__doc__)
    parser.add_argument("--data", type=Path, default=data_folder(), help="holds flores200 and typology")
    parser.add_argument("--out", type=Path, required=True, help="keeps every run; the same folder goes on")
    parser.add_argument("--copy", type=Path, help="model trained without translations; made in OUT/unaligned if absent")
    parser.add_argument("--models", default="copy,mini", help="copy, mini, or both")
    parser.add_argument("--k", default="3,5,10", help="sizes of sets")
    parser.add_argument("--draws", type=int, default=5, help="random sets of each size")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each set")
    parser.add_argument("--steps", type=int, default=24, help="updates of each training")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--limit", type=int, help="stop after so many runs")
    parser.add_argument("--analyse", action="store_true", help="run nothing: tables and pictures of what is there")
    parser.add_argument("--csv", type=Path, help="also write every run and language there, for the notebook")
    return parser


if __name__ == "__main__":
    main()
