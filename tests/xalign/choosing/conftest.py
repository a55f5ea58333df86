"""A report whose scores are known: need and similarity follow from two points on a line per language."""

import numpy as np
import pandas as pd
import pytest

from xalign.columns import TABLE_COLUMNS
from xalign.report import ProbeReport

CODES = (
    "eng_Latn", "deu_Latn", "fra_Latn", "rus_Cyrl", "fin_Latn", "tur_Latn", "hin_Deva", "swh_Latn", "vie_Latn",
    "kat_Geor", "kor_Hang", "heb_Hebr",
)  # fmt: skip


def make_report(
    *,
    languages=CODES,
    n_layers=3,
    probes=("cka", "retrieval"),
    matrices=("cka",),
    pivot="eng_Latn",
    seed=0,
    scores=None,
):
    """Scores against the pivot rise with the layer up to the last but one; `scores` sets those of that layer."""
    rng = np.random.default_rng(seed)
    others = [language for language in languages if language != pivot]
    strength = dict(zip(others, rng.uniform(0.2, 0.95, len(others)), strict=True)) | dict(scores or {})
    rows = []
    for layer in range(n_layers):
        rise = 1.0 if layer == n_layers - 2 else 0.5
        for probe in probes:
            chance = 0.01 if probe == "retrieval" else 0.0
            rows += [
                (
                    "made",
                    layer,
                    pivot,
                    language,
                    probe,
                    strength[language] * rise,
                    chance,
                    chance,
                    0.01,
                    0.005,
                    0,
                    1,
                    100,
                )
                for language in others
            ]
    places = rng.uniform(0, 1, (len(languages), 2))
    similarity = np.exp(-np.linalg.norm(places[:, None] - places[None], axis=2))
    upper = list(zip(*np.triu_indices(len(languages)), strict=True))
    pairs = [
        (layer, probe, languages[i], languages[j], similarity[i, j])
        for layer in range(n_layers)
        for probe in matrices
        for i, j in upper
    ]
    return ProbeReport(
        pd.DataFrame(rows, columns=TABLE_COLUMNS),
        pd.DataFrame(pairs, columns=["layer", "probe", "source", "target", "score"]),
        pd.DataFrame({"language": list(languages)}),
        {"model": {"name": "made"}, "corpus": {"name": "up", "hash": "0"}},
    )


@pytest.fixture(scope="session")
def report_of():
    """The maker of reports."""
    return make_report


@pytest.fixture(scope="session")
def report():
    """Twelve languages against English, three layers, CKA between all of them."""
    return make_report()
