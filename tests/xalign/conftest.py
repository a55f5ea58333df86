"""A made-up report's table, as realistic as the pictures and the page need it."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from xalign.columns import TABLE_COLUMNS
from xalign.corpora import language_name, script_of

LANGUAGES = (
    "eng_Latn", "deu_Latn", "fra_Latn", "spa_Latn", "rus_Cyrl", "ell_Grek", "tur_Latn", "fin_Latn", "hun_Latn",
    "arb_Arab", "heb_Hebr", "hin_Deva", "ben_Beng", "tam_Taml", "zho_Hans", "jpn_Jpan", "kor_Hang", "vie_Latn",
    "tha_Thai", "ind_Latn", "swh_Latn", "yor_Latn", "eus_Latn", "kat_Geor",
)  # fmt: skip
PROBES = {
    "cka": (0.0, 0.012, 0.75),
    "anc": (0.0, 0.006, 0.55),
    "retrieval": (0.01, 0.007, 0.97),
    "neurons": (0.005, 0.006, 0.8),
}


def make_table(
    *,
    languages: Sequence[str] = LANGUAGES,
    n_layers: int = 7,
    probes: Sequence[str] = tuple(PROBES),
    pivot: str | None = "eng_Latn",
    seed: int = 0,
) -> pd.DataFrame:
    """Scores that rise to layer 5 of 6 and fall again, by each language's own strength; no pivot means all pairs."""
    rng = np.random.default_rng(seed)
    strength = dict(zip(languages, np.clip(rng.beta(4, 2, len(languages)), 0.15, 1.0), strict=True))
    pairs = [(a, b) for i, a in enumerate(languages) for b in languages[i + 1 :]]
    chosen = pairs if pivot is None else [(pivot, b) for b in languages if b != pivot]
    rows = []
    for layer in range(n_layers):
        rise = 0.15 + 0.85 * np.exp(-(((layer / (n_layers - 1) - 0.82) / 0.42) ** 2))
        for source, target in chosen:
            for probe in probes:
                chance, null_sd, top = PROBES.get(probe, (0.0, 0.01, 0.6))
                score = (
                    chance + top * rise * strength[target] * (1.0 if pivot else strength[source]) + rng.normal(0, 0.01)
                )
                half = 0.03 + 0.02 * rng.random()
                rows.append(
                    ("xalign-mini", layer, source, target, probe, score, chance, chance + rng.normal(0, 0.001), null_sd,
                     0.005 if score > chance + 3 * null_sd else 0.4, score - half, score + half, 100)
                )  # fmt: skip
    return pd.DataFrame(rows, columns=TABLE_COLUMNS)


@pytest.fixture
def report_table() -> Callable[..., pd.DataFrame]:
    """The maker of tables; `report_table()` is 24 languages against English, 7 layers, 4 probes."""
    return make_table


@pytest.fixture
def confound_table() -> pd.DataFrame:
    """A row per language, as a report keeps it."""
    rng = np.random.default_rng(1)
    tokens = np.round(rng.uniform(14, 41, len(LANGUAGES)), 2)
    spaceless = np.isin(LANGUAGES, ["zho_Hans", "jpn_Jpan", "tha_Thai"])
    shared = np.round(rng.uniform(0, 0.2, len(LANGUAGES)), 3)
    return pd.DataFrame(
        {
            "language": LANGUAGES,
            "name": [language_name(language) for language in LANGUAGES],
            "script": [script_of(language) for language in LANGUAGES],
            "sentences": 100,
            "tokens_per_sentence": tokens,
            "fertility": np.where(spaceless, np.nan, np.round(tokens / 14, 2)),
            "truncated": rng.integers(0, 2, len(LANGUAGES)),
            "unknown_share": np.round(rng.uniform(0, 0.01, len(LANGUAGES)), 4),
            "identical_token_share": np.where(np.arange(len(LANGUAGES)) == 0, np.nan, shared),
            "duplicates": 0,
        }
    )
