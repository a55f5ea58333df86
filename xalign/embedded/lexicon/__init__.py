"""The embedded lexicon: 200 everyday concepts in the languages of xalign-100."""

from xalign.embedded.lexicon.loading import Lexicon, load_lexicon

__all__ = ["Lexicon", "load_lexicon"]
