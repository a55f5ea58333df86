"""Which languages take part, and as what."""

from xalign.embedded.training.sources import EMBEDDED_LANGUAGES

PIVOT = "eng_Latn"
POOL = (
    *(language for language in EMBEDDED_LANGUAGES if language != PIVOT),
    *("amh_Ethi", "khm_Khmr", "quy_Latn", "kaz_Cyrl", "isl_Latn", "plt_Latn", "hye_Armn"),
)
"""The candidates: the languages of the embedded corpus, and seven of other families or scripts."""
UNSEEN = (
    *("por_Latn", "ukr_Cyrl", "urd_Arab", "mar_Deva", "tgl_Latn"),
    *("hau_Latn", "azj_Latn", "est_Latn", "cat_Latn", "zul_Latn"),
)
"""Outside the pool: the copy was never trained on them; xalign-mini was."""
MEASURED = (*POOL, *UNSEEN)
