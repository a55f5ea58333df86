"""Measure how well a model brings languages together: layer by layer, with chance levels, nulls and intervals."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from xalign.benchmarking import AlignmentEvaluator, Retrieval, benchmark, leaderboard
    from xalign.corpora import BitextCorpus, ParallelCorpus, load_corpus
    from xalign.encoders import Activations, Encoder, load_encoder
    from xalign.errors import XalignError
    from xalign.probing import probe
    from xalign.report import ProbeReport
    from xalign.transferring import Transfer, transfer

__version__ = "0.1.0"
__all__ = [
    "Activations",
    "AlignmentEvaluator",
    "BitextCorpus",
    "Encoder",
    "ParallelCorpus",
    "ProbeReport",
    "Retrieval",
    "Transfer",
    "XalignError",
    "benchmark",
    "leaderboard",
    "load_corpus",
    "load_encoder",
    "probe",
    "transfer",
]

# Names are looked up on first use, so that `import xalign` loads neither torch nor pandas.
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "benchmarking": ["AlignmentEvaluator", "Retrieval", "benchmark", "leaderboard"],
        "corpora": ["BitextCorpus", "ParallelCorpus", "load_corpus"],
        "encoders": ["Activations", "Encoder", "load_encoder"],
        "errors": ["XalignError"],
        "probing": ["probe"],
        "report": ["ProbeReport"],
        "transferring": ["Transfer", "transfer"],
    },
)
