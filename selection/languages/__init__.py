"""Which languages: a small set that is diverse or covers the others, with the reason for each.

Distances in, a choice out; names of languages are any strings. `choose_languages` proves its choice optimal or says how
far from it any set can be; `baselines` holds what to compare it with.
"""

from selection.languages.baselines import least_diverse, most_resourced, one_per_group, random_choices
from selection.languages.choice import LanguageChoice, LanguageReason
from selection.languages.choosing import choose_languages

__all__ = [
    "LanguageChoice",
    "LanguageReason",
    "choose_languages",
    "least_diverse",
    "most_resourced",
    "one_per_group",
    "random_choices",
]
