"""Measure how well a model brings languages together: layer by layer, with chance levels, nulls and intervals."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from xalign.corpora import BitextCorpus, ParallelCorpus, load_corpus
    from xalign.encoders import Activations, Encoder, load_encoder
    from xalign.errors import XalignError
    from xalign.probing import probe
    from xalign.report import ProbeReport

__version__ = "0.1.0"
__all__ = [
    "Activations",
    "BitextCorpus",
    "Encoder",
    "ParallelCorpus",
    "ProbeReport",
    "XalignError",
    "load_corpus",
    "load_encoder",
    "probe",
]

# Names are looked up on first use, so that `import xalign` loads neither torch nor pandas.
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "corpora": ["BitextCorpus", "ParallelCorpus", "load_corpus"],
        "encoders": ["Activations", "Encoder", "load_encoder"],
        "errors": ["XalignError"],
        "probing": ["probe"],
        "report": ["ProbeReport"],
    },
)
