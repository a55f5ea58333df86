"""`python -m xalign.embedded.training --data FOLDER --out FOLDER` makes xalign-mini."""

import argparse
import logging
from dataclasses import fields, replace
from pathlib import Path

import torch

from xalign.embedded.training.build import build_model
from xalign.embedded.training.recipe import Recipe


def main() -> None:
    """Read the arguments and build the model."""
    parser = argparse.ArgumentParser(prog="python -m xalign.embedded.training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds flores200, tatoeba, xquad, nusax, instructions")
    parser.add_argument("--out", type=Path, required=True, help="model folder; <out>.work keeps checkpoints")
    parser.add_argument("--held-out", type=int, default=0, help="FLORES training rows left out for experiments")
    parser.add_argument("--monolingual", action="store_true", help="learn no translation, as a model to realign")
    parser.add_argument("--without", default="", help="languages that a monolingual model never sees, with commas")
    parser.add_argument("--every", type=int, default=250, help="steps between checkpoints")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    numbers = [item for item in fields(Recipe) if item.type in (int, float)]
    for item in numbers:
        parser.add_argument(f"--{item.name.replace('_', '-')}", type=item.type, default=item.default)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    recipe = replace(Recipe(), **{item.name: getattr(arguments, item.name) for item in numbers})
    build_model(
        arguments.data,
        arguments.out,
        recipe,
        n_held_out=arguments.held_out,
        every=arguments.every,
        monolingual_without=frozenset(arguments.without.split(",")) - {""} if arguments.monolingual else None,
    )


if __name__ == "__main__":
    main()
