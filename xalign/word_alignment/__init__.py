"""Which words of two sentences translate each other: links by any encoder, files of links, and how good they are."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "aligning": ["align_every", "align_words", "word_similarities"],
        "alignment": ["WordAlignment"],
        "evaluating": ["AlignmentEvaluation", "evaluate_alignment"],
        "extraction": ["METHODS", "extract"],
        "gold_sets": ["GoldSet", "read_gold_set", "read_gold_sets"],
        "links": ["Links"],
        "pharaoh": ["GoldLinks", "read_gold", "read_links", "write_links"],
        "reading": ["read_pairs"],
        "settings_checks": ["default_layer"],
        "symmetrising": ["symmetrise"],
        "word_pairs": ["word_pairs_of"],
    },
)
