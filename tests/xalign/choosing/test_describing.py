"""What a reader must know is said: which distance is which, how much is known, and who is left out for lack of what."""

import numpy as np
import pytest

from xalign.choosing import select_languages
from xalign.choosing.candidates import find_candidates
from xalign.errors import UnknownNameError
from xalign.typology import feature_distances, load_typology

FEW = {"n_draws": 20}


@pytest.fixture(scope="module")
def selection(report):
    return select_languages(report, 4, **FEW)


def test_what_share_of_features_is_known_stands_in_the_pool_in_the_run_and_in_a_warning():
    asked = {"candidates": "deu,fin,swh,tam,hin", **FEW}
    whole, partly = (select_languages(None, 2, features=kind, **asked) for kind in ("uriel.syntax", "wals"))
    assert (whole.pool["coverage"] == 1).all()
    assert not any("only a part of the features" in note for note in whole.warnings)
    table = load_typology("wals", partly.candidates)
    np.testing.assert_allclose(partly.pool["coverage"], table.coverage)
    assert partly.run["distances_source"] == feature_distances("wals", partly.candidates).source
    (told,) = [note for note in partly.warnings if "5 of 5 candidates have only a part of the features of wals" in note]
    least = int(np.argmin(table.coverage))
    assert f": {partly.candidates[least]} {table.coverage[least]:.0%}," in told


def test_reasons_tell_weighed_distances_from_plain_ones(report, selection):
    plain = select_languages(report, 4, need=0, coverage=0, **FEW)
    assert not any("weighed" in reason.text for reason in plain.reasons)
    for reason in selection.reasons:
        assert f"{reason.nearest} at weighed distance {reason.distance:.4g};" in reason.text
        assert reason.distance == pytest.approx(selection.weighed.loc[reason.language, reason.nearest])
        apart = selection.distances.loc[reason.language, reason.nearest]
        assert f"lies {apart:.4g} from {reason.nearest} by uriel.syntax;" in reason.text
    spread = select_languages(report, 4, objective="max_sum", **FEW)
    for reason in spread.reasons[1:]:
        assert "to the sum of weighed distances" in reason.text
        assert f"at distance {spread.distances.loc[reason.language, reason.nearest]:.4g}" in reason.text


def test_languages_left_out_are_told_with_the_part_that_lacks_them_and_long_lists_are_cut(report):
    asked = {"features": "uriel.syntax,probe:cka@1", "need": 0, "coverage": 0, "drop_missing": True}
    found = select_languages(report, 3, candidates="embedded", **asked, **FEW)
    (told,) = [note for note in found.warnings if "left out" in note]
    gone = sorted(set(find_candidates("embedded")) - {"eng_Latn"} - set(found.candidates))
    assert told == f"left out, having no scores of probe:cka@1 in the report: {', '.join(gone[:12])}" + (
        f" and {len(gone) - 12} more" if len(gone) > 12 else ""
    )
    assert len(gone) >= 12
    with pytest.raises(UnknownNameError, match=r"probe:cka@1 of the report must have .* with --drop-missing"):
        select_languages(report, 3, candidates="embedded", **asked | {"drop_missing": False}, **FEW)
