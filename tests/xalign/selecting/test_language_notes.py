"""One language in most of a choice is told, and what quotas like the target's could not have."""

from types import SimpleNamespace

import numpy as np
import pytest

from xalign.selecting.results.cautions import language_notes

GROUPS = np.repeat(["deu_Latn", "eng_Latn", "swh_Latn"], [40, 40, 20]).astype(object)


def material(target: tuple[str, ...]) -> SimpleNamespace:
    names, counts = np.unique(GROUPS, return_counts=True)
    pool = SimpleNamespace(groups=GROUPS, counts=dict(zip(names.tolist(), counts.tolist(), strict=True)), n=100)
    return SimpleNamespace(pool=pool, target=SimpleNamespace(languages=target))


@pytest.mark.parametrize(
    ("rows", "target", "quotas", "told"),
    [
        (range(80, 100), ("deu_Latn",) * 3, None, "0 of 20 chosen rows are in the target's languages (deu_Latn)"),
        (range(80, 100), ("deu_Latn", "swh_Latn") * 3, None, "20 of 20 chosen rows are in swh_Latn, which has"),
        (range(80, 100), ("deu_Latn", "eng_Latn", "swh_Latn"), None, "20 of 20 chosen rows are in swh_Latn, which has"),
        (range(80, 100), ("fra_Latn",) * 3, None, "20 of 20 chosen rows are in swh_Latn, which has 20% of the pool"),
        (range(80, 100), ("swh_Latn",) * 3, None, None),
        (range(80, 100), ("deu_Latn",) * 3, "equal", None),
        (range(30, 90), ("deu_Latn",) * 3, None, "10 of 60 chosen rows are in the target's languages (deu_Latn)"),
        (range(30, 60), ("deu_Latn", "eng_Latn") * 3, None, None),
        (range(60, 100), ("swh_Latn",) * 3, "target", "20 of 40 are in others"),
        (range(90, 100), ("swh_Latn",) * 3, "target", None),
    ],
)
def test_what_a_reader_must_know_of_languages(unchecked, rows, target, quotas, told):
    found = language_notes(material(target), np.array(rows), quotas)
    assert [told in note for note in found] == ([True] if told else [])
