"""The command: `python -m benchmarks.data_selection --data DATA --out OUT`, and `--analyse --out OUT`."""

import argparse
import logging
import os
from pathlib import Path

from benchmarks.data_selection.settings import QUESTIONS, Experiment
from benchmarks.settings import THREAD_VARIABLES, data_folder


def main() -> None:
    """Run what is missing, then analyse what is there; with --analyse, the latter alone."""
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    os.environ |= dict.fromkeys(THREAD_VARIABLES, "1")
    if not arguments.analyse:
        from benchmarks.data_selection.running import run_experiment

        run_experiment(_experiment(arguments))
    from benchmarks.data_selection.analysing import analyse

    print(analyse(arguments.out, csv=arguments.csv))


def _experiment(arguments: argparse.Namespace) -> Experiment:
    return Experiment(
        data=arguments.data,
        out=arguments.out,
        questions=tuple(arguments.questions.split(",")),
        quality_model=arguments.quality_model,
        n_draws=arguments.draws,
        n_languages=arguments.languages,
        n_places=arguments.places,
        limit=arguments.limit,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_selection", description=__doc__)
    parser.add_argument("--data", type=Path, default=data_folder(), help="holds flores200, nusax and instructions")
    parser.add_argument("--out", type=Path, required=True, help="keeps vectors and runs; the same folder goes on")
    parser.add_argument("--questions", default=",".join(QUESTIONS), help="which of them, with commas")
    parser.add_argument("--quality-model", type=Path, help="a folder of `xalign train-quality`")
    parser.add_argument("--draws", type=int, default=10, help="random sets")
    parser.add_argument("--languages", type=int, help="of the pool of topics; all 205 by default")
    parser.add_argument("--places", type=int, help="instructions of each language; all 2,300 by default")
    parser.add_argument("--limit", type=int, help="stop after so many runs")
    parser.add_argument("--analyse", action="store_true", help="run nothing: tables and pictures of what is there")
    parser.add_argument("--csv", type=Path, help="also write the tables into that folder, for the notebook")
    return parser


if __name__ == "__main__":
    main()
