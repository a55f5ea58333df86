"""Measure how well a model brings languages together: layer by layer, with chance levels, nulls and intervals."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from xalign.benchmarking import AlignmentEvaluator, Retrieval, benchmark, leaderboard
    from xalign.choosing import LanguageSelection, select_languages
    from xalign.corpora import BitextCorpus, ParallelCorpus, load_corpus
    from xalign.encoders import Activations, Encoder, load_encoder
    from xalign.errors import XalignError
    from xalign.probing import probe
    from xalign.realigning import Realignment, RealignmentSettings, realign
    from xalign.report import ProbeReport
    from xalign.selecting import DataSelection, select_data
    from xalign.transferring import Transfer, transfer
    from xalign.word_alignment import WordAlignment, align_words

__version__ = "0.1.0"
__all__ = [
    "Activations",
    "AlignmentEvaluator",
    "BitextCorpus",
    "DataSelection",
    "Encoder",
    "LanguageSelection",
    "ParallelCorpus",
    "ProbeReport",
    "Realignment",
    "RealignmentSettings",
    "Retrieval",
    "Transfer",
    "WordAlignment",
    "XalignError",
    "align_words",
    "benchmark",
    "leaderboard",
    "load_corpus",
    "load_encoder",
    "probe",
    "realign",
    "select_data",
    "select_languages",
    "transfer",
]

# Names are looked up on first use, so that `import xalign` loads neither torch nor pandas.
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "benchmarking": ["AlignmentEvaluator", "Retrieval", "benchmark", "leaderboard"],
        "choosing": ["LanguageSelection", "select_languages"],
        "corpora": ["BitextCorpus", "ParallelCorpus", "load_corpus"],
        "encoders": ["Activations", "Encoder", "load_encoder"],
        "errors": ["XalignError"],
        "probing": ["probe"],
        "realigning": ["Realignment", "RealignmentSettings", "realign"],
        "report": ["ProbeReport"],
        "selecting": ["DataSelection", "select_data"],
        "transferring": ["Transfer", "transfer"],
        "word_alignment": ["WordAlignment", "align_words"],
    },
)
