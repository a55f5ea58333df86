"""Which few languages? A diverse set that lacks alignment and stands in for the others, with reasons and rivals."""

from xalign.choosing.results import LanguageSelection
from xalign.choosing.running import select_languages

__all__ = ["LanguageSelection", "select_languages"]
