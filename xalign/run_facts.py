"""How a report was made: enough to make it again."""

import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from xalign.corpora import BitextCorpus, Corpus
from xalign.encoders import Encoder
from xalign.settings import ProbeSettings

PACKAGES = (
    "xalign-toolkit",
    "torch",
    "transformers",
    "tokenizers",
    "sentence-transformers",
    "numpy",
    "scipy",
    "pandas",
    "datasets",
)


def describe_run(
    encoder: Encoder, corpus: Corpus, settings: ProbeSettings, seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Everything that decided the numbers: model, corpus, arguments, versions; and how long it took.

    Args:
        encoder: The model.
        corpus: The text, as probed.
        settings: The arguments.
        seconds: Durations by name.

    Returns:
        A mapping of sections that JSON can hold.
    """
    return {
        "model": describe_model(encoder),
        "corpus": {
            "name": corpus.name,
            "hash": corpus.fingerprint,
            "sentences": corpus.n,
            "languages": len(corpus.languages),
            "resolution": dict(corpus.resolution),
            "notes": list(corpus.notes()),
        }
        | ({"pairs": len(corpus.bitexts)} if isinstance(corpus, BitextCorpus) else {}),
        "arguments": asdict(settings) | {"model": dict(encoder.load_arguments), "corpus": dict(corpus.load_arguments)},
        "versions": describe_versions(),
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
    }


def describe_model(encoder: Encoder) -> dict[str, Any]:
    """What a model is: name and revision, hashes of its files, shape and numerics."""
    return {
        "name": encoder.name,
        "revision": encoder.revision,
        "fingerprint": encoder.fingerprint,
        "tokenizer_fingerprint": encoder.tokenizer_fingerprint,
        "architecture": encoder.architecture,
        "layers": encoder.n_layers,
        "hidden_size": encoder.hidden_size,
        "max_length": encoder.max_length,
        "dtype": encoder.dtype,
        "device": str(encoder.device),
    }


def describe_versions() -> dict[str, str]:
    """The versions of Python and of the packages that decide numbers."""
    return {"python": platform.python_version()} | {package: version(package) for package in PACKAGES}
