"""Decisions: arrays and scores in, a chosen subset and its reasons out.

`choose_languages` picks a small set of languages from their distances, `set_diversity` says how diverse any set is; the
selectors of training data pick rows under a budget (`selection.data` has more of them).
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from selection.data import (
        calibrated_gradient,
        facility_location_select,
        information_gain_select,
        knn_transport_select,
        quality_diverse_select,
        random_select,
        round_robin_select,
        stratified_select,
        transport_select,
    )
    from selection.diversity import DiversityPool, SetDiversity, set_diversity
    from selection.languages import LanguageChoice, LanguageReason, choose_languages

__all__ = [
    "DiversityPool",
    "LanguageChoice",
    "LanguageReason",
    "SetDiversity",
    "calibrated_gradient",
    "choose_languages",
    "facility_location_select",
    "information_gain_select",
    "knn_transport_select",
    "quality_diverse_select",
    "random_select",
    "round_robin_select",
    "set_diversity",
    "stratified_select",
    "transport_select",
]

# Names are looked up on first use, so that `import selection` loads no solver.
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "data": [
            "calibrated_gradient",
            "facility_location_select",
            "information_gain_select",
            "knn_transport_select",
            "quality_diverse_select",
            "random_select",
            "round_robin_select",
            "stratified_select",
            "transport_select",
        ],
        "diversity": ["DiversityPool", "SetDiversity", "set_diversity"],
        "languages": ["LanguageChoice", "LanguageReason", "choose_languages"],
    },
)
