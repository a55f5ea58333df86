"""Decisions: arrays and scores in, a chosen subset and its reasons out.

`choose_languages` picks a small set of languages from their distances, `set_diversity` says how diverse any set is.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from selection.diversity import DiversityPool, SetDiversity, set_diversity
    from selection.languages import LanguageChoice, LanguageReason, choose_languages

__all__ = [
    "DiversityPool",
    "LanguageChoice",
    "LanguageReason",
    "SetDiversity",
    "choose_languages",
    "set_diversity",
]

# Names are looked up on first use, so that `import selection` loads no solver.
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "diversity": ["DiversityPool", "SetDiversity", "set_diversity"],
        "languages": ["LanguageChoice", "LanguageReason", "choose_languages"],
    },
)
