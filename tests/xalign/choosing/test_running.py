"""The whole choice: weights switch off, limits hold, rivals are judged alike, reasons are told, folders come back."""

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from selection.diversity import set_diversity
from selection.languages import choose_languages
from xalign.choosing import LanguageSelection, select_languages
from xalign.errors import ProbeError, SettingError, UnknownNameError, XalignError
from xalign.language_lists import candidates_of, read_languages
from xalign.typology import families, feature_distances, load_typology

FEW = {"n_draws": 20}
OBJECTIVES = ("facility_location", "k_medoids", "max_sum", "max_min", "min_sum")


@pytest.fixture(scope="module")
def pool(report):
    return tuple(language for language in report.confounds["language"] if language != "eng_Latn")


@pytest.fixture(scope="module")
def selection(report):
    return select_languages(report, 4, **FEW)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_with_need_and_coverage_off_it_is_the_plain_choice(report, pool, objective):
    found = select_languages(report, 4, objective=objective, need=0, coverage=0, **FEW)
    distances = feature_distances("uriel.syntax", pool).values
    plain = choose_languages(distances, 4, languages=list(pool), objective=objective)
    assert found.languages == plain.languages
    assert found.choice.value == pytest.approx(plain.value)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_with_all_three_off_the_plain_objective_is_left(report, objective):
    off = select_languages(report, 4, objective=objective, need=0, coverage=0, diversity=0, **FEW)
    assert off.languages == select_languages(report, 4, objective=objective, need=0, coverage=0, **FEW).languages


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_without_a_report_need_and_coverage_count_for_nothing(pool, objective):
    found = select_languages(None, 3, candidates=pool, objective=objective, **FEW)
    assert (
        found.languages
        == select_languages(None, 3, candidates=pool, objective=objective, need=0, coverage=0, **FEW).languages
    )
    assert any("no report was given" in note for note in found.warnings)


def test_with_need_off_scores_against_the_pivot_change_nothing(report_of):
    one, other = report_of(seed=1), report_of(seed=1, scores={"deu_Latn": 0.01, "fra_Latn": 0.02, "swh_Latn": 0.99})
    for objective in ("facility_location", "max_sum"):
        asked = {"objective": objective, "need": 0, "layer": 1}
        assert (
            select_languages(one, 3, **asked, **FEW).languages == select_languages(other, 3, **asked, **FEW).languages
        )


def test_the_covering_choice_is_the_best_of_all_sets_of_its_size(report, pool):
    found = select_languages(report, 3, need=1, coverage=1, **FEW)
    syntax = feature_distances("uriel.syntax", pool).values
    alike = report.matrix("cka", 1).loc[list(pool), list(pool)].to_numpy()
    need = found.pool["need"].to_numpy()
    worth = (need * (1 - need))[:, None] * np.sqrt((1 - syntax / syntax.max()) * alike)
    best = max(combinations(range(len(pool)), 3), key=lambda rows: worth[:, rows].max(axis=1).sum())
    assert {pool[row] for row in best} == set(found.languages)
    assert found.choice.optimal


def test_the_neediest_is_chosen_where_need_alone_decides(report, pool):
    found = select_languages(report, 3, objective="max_sum", grasp=0, coverage=0, diversity=0, **FEW)
    need = dict(zip(found.candidates, found.pool["need"], strict=True))
    assert set(found.languages) == set(sorted(pool, key=lambda language: -need[language])[:3])


def test_a_language_that_needs_nothing_is_not_chosen_before_one_that_does(report_of):
    done = {"deu_Latn": 1.0, "fra_Latn": 1.0, "rus_Cyrl": 1.0}
    report = report_of(probes=("cka",), scores=done)
    for objective in ("facility_location", "max_sum"):
        assert not set(done) & set(select_languages(report, 5, objective=objective, **FEW).languages)


def test_a_language_at_chance_is_passed_over_unless_need_alone_counts_and_the_warnings_say_so(report_of):
    report = report_of(probes=("cka",), scores={"deu_Latn": 0.0, "fra_Latn": 0.5, "rus_Cyrl": 0.5})
    alone = {"objective": "max_sum", "coverage": 0, "diversity": 0}
    found = select_languages(report, 3, **alone, **FEW)
    assert "deu_Latn" not in found.languages
    assert any("next to chance" in told and "deu_Latn" in told for told in found.warnings)
    assert "deu_Latn" in select_languages(report, 3, grasp=0, **alone, **FEW).languages


def test_the_pivot_is_a_candidate_only_if_it_is_included(report, selection):
    assert "eng_Latn" not in selection.candidates
    found = select_languages(report, 3, include="en", **FEW)
    assert "eng_Latn" in found.languages
    assert found.choice.reasons[found.languages.index("eng_Latn")].included


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_an_included_pivot_leaves_the_objective_something_to_decide_by(report, pool, objective):
    found = select_languages(report, 4, objective=objective, include="eng", layer=1, **FEW)
    assert found.choice.optimal
    assert found.choice.value > 0
    sets = [("eng_Latn", *rest) for rest in combinations(pool, 3)]
    values = {frozenset(languages): value_of(found, objective, languages) for languages in sets}
    best = min(values.values()) if objective in ("min_sum", "k_medoids") else max(values.values())
    assert found.choice.value == pytest.approx(best)
    assert values[frozenset(found.languages)] == pytest.approx(best)
    assert len({round(value, 9) for value in values.values()}) > len(values) / 2 or objective == "max_min"
    if objective not in ("min_sum", "facility_location", "k_medoids"):
        assert found.pool.set_index("language").loc["eng_Latn", "weight"] == 1


def value_of(found, objective, languages):
    """The objective of one set, by the distances and weights that were shown."""
    d, w = found.weighed, dict(zip(found.candidates, found.weights, strict=True))
    pairs = list(combinations(languages, 2))
    if objective == "max_min":
        return min(d.loc[a, b] * min(w[a], w[b]) for a, b in pairs)
    if objective in ("max_sum", "min_sum"):
        return sum(d.loc[a, b] * (w[a] + w[b]) / 2 for a, b in pairs)
    nearest, top = d[list(languages)].min(axis=1), d.to_numpy().max()
    if objective == "k_medoids":
        return sum(w[a] * nearest[a] for a in found.candidates)
    return sum(w[a] * (1 - nearest[a] / top) for a in found.candidates)


def test_where_too_few_weigh_anything_for_max_min_the_warnings_say_so(report_of):
    done = dict.fromkeys(CODES_AT_THEIR_BEST, 1.0)
    report = report_of(probes=("cka",), scores=done)
    asked = {"objective": "max_min", "layer": 1, **FEW}
    told = [any("weigh anything" in note for note in select_languages(report, k, **asked).warnings) for k in (6, 7)]
    assert told == [False, True]


CODES_AT_THEIR_BEST = ("deu_Latn", "fra_Latn", "rus_Cyrl", "fin_Latn", "tur_Latn")


def test_the_least_diverse_is_so_with_a_report_too_and_the_warnings_say_why(report, pool):
    found = select_languages(report, 4, objective="min_sum", **FEW)
    assert found.languages == select_languages(None, 4, candidates=pool, objective="min_sum", **FEW).languages
    assert any("min_sum leaves need and coverage out" in note for note in found.warnings)
    assert (found.weights == 1).all()


def test_the_mean_need_is_of_those_beside_the_pivot(report):
    found = select_languages(report, 3, include="eng", **FEW)
    need = found.pool.set_index("language")["need"]
    table = found.table.set_index("arm")
    for arm in ("choice", "least diverse"):
        others = [language for language in found.arms[arm] if language != "eng_Latn"]
        assert len(others) == 2
        assert table.loc[arm, "mean_need"] == pytest.approx(need[others].mean())
    drawn = found.draws["languages"].str.split().map(lambda chosen: need[[x for x in chosen if x != "eng_Latn"]].mean())
    np.testing.assert_allclose(found.draws["mean_need"], drawn)


def test_a_choice_that_lacks_less_than_random_draws_says_so_unless_need_is_off(report_of):
    """Half are next to chance, where grasp passes them over."""
    scores = dict.fromkeys(CODES_AT_THEIR_BEST, 0.02) | dict.fromkeys(("hin_Deva", "swh_Latn", "vie_Latn"), 0.75)
    report = report_of(probes=("cka",), scores=scores | dict.fromkeys(("kat_Geor", "kor_Hang", "heb_Hebr"), 0.8))
    asked = {"objective": "max_sum", "coverage": 0, "diversity": 0.1, "n_draws": 100, "layer": 1}
    found = select_languages(report, 4, **asked)
    (told,) = [note for note in found.warnings if "lack less than random draws" in note]
    row = found.table.set_index("arm").loc["choice"]
    assert row["mean_need_percentile"] < 10
    assert f"their mean need, {row['mean_need']:.2f}, is at percentile {row['mean_need_percentile']:.0f}" in told
    for off in ({"grasp": 0}, {"need": 0}):
        assert not any("lack less" in note for note in select_languages(report, 4, **asked | off).warnings)


def test_limits_by_family_and_script_hold_in_the_choice_in_every_draw_and_in_every_arm():
    found = select_languages(
        None,
        6,
        candidates="embedded",
        objective="max_sum",
        max_per_family=1,
        max_per_script=3,
        exclude="fin",
        include="swh",
        method="greedy",
        n_draws=5,
    )
    of = found.pool.set_index("language")
    assert len(found.arms) == 4
    for languages in (*found.arms.values(), *found.draws["languages"].str.split()):
        assert len(set(languages)) == 6
        assert "swh_Latn" in languages
        assert of.loc[list(languages), "family"].value_counts().max() == 1
        assert of.loc[list(languages), "script"].value_counts().max() <= 3
    assert "fin_Latn" not in found.candidates
    assert tuple(of["family"]) == families(found.candidates)


def test_every_arm_is_judged_as_anyone_would_judge_it(selection):
    distances, table = selection.distances.to_numpy(), selection.table.set_index("arm")
    features = load_typology("uriel.syntax", selection.candidates).values
    row = {language: index for index, language in enumerate(selection.candidates)}
    assert set(selection.arms) == {"choice", "one per family", "most resourced", "least diverse"}
    alone = {arm: languages for arm, languages in selection.arms.items() if table.loc[arm, "n_sets"] == 1}
    assert {"choice", "least diverse"} <= set(alone)
    for arm, languages in alone.items():
        rows = [row[language] for language in languages]
        near, shown = set_diversity(distances, rows), set_diversity(features, rows)
        assert table.loc[arm, "mean_pairwise_distance"] == pytest.approx(near.mean_pairwise_distance)
        assert table.loc[arm, "coverage"] == pytest.approx(near.coverage)
        assert table.loc[arm, "entropy"] == pytest.approx(shown.entropy)
        assert table.loc[arm, "feature_value_inclusion"] == pytest.approx(shown.feature_value_inclusion)
        assert table.loc[arm, "feature_value_overlap"] == pytest.approx(shown.feature_value_overlap)
        assert table.loc[arm, "mean_need"] == pytest.approx(selection.pool["need"].to_numpy()[rows].mean())


def test_random_draws_give_mean_spread_and_the_percentile_of_the_choice(selection):
    table, draws = selection.table.set_index("arm"), selection.draws
    assert table.loc["random", "n_sets"] == len(draws) == 20
    for name in ("mean_pairwise_distance", "coverage", "mean_need"):
        assert table.loc["random", name] == pytest.approx(draws[name].mean())
        assert table.loc["random", f"{name}_sd"] == pytest.approx(draws[name].std())
        below = (draws[name] < table.loc["choice", name] - 1e-9).mean()
        above = (draws[name] > table.loc["choice", name] + 1e-9).mean()
        assert table.loc["choice", f"{name}_percentile"] == pytest.approx(100 * (below + (1 - below - above) / 2))


def test_the_farthest_apart_beat_every_draw_and_the_least_diverse_none():
    found = select_languages(None, 5, objective="max_sum", n_draws=100)
    table = found.table.set_index("arm")
    assert table.loc["choice", "mean_pairwise_distance_percentile"] == 100
    assert table.loc["least diverse", "mean_pairwise_distance_percentile"] == 0


def test_most_resourced_goes_by_the_figures_that_are_given(pool):
    figures = {language: float(place) for place, language in enumerate(pool)}
    found = select_languages(None, 3, candidates=pool, resources=figures, **FEW)
    assert set(found.arms["most resourced"]) == set(pool[-3:])
    with pytest.raises(UnknownNameError, match=f"resources must have every candidate, got none for {pool[0]}"):
        select_languages(None, 3, candidates=pool, resources={pool[1]: 1.0}, **FEW)


def test_among_equals_the_most_resourced_are_a_mean_over_draws(pool):
    """Of published levels there are three, so that the order of candidates would decide."""
    levels = {language: float(language in pool[:2]) for language in pool}
    found = select_languages(None, 3, candidates=pool, resources=levels, n_draws=5)
    row = found.table.set_index("arm").loc["most resourced"]
    assert row["n_sets"] == 20
    third = [[*pool[:2], language] for language in pool[2:]]
    apart = [found.distances.loc[each, each].to_numpy()[np.triu_indices(3, 1)].mean() for each in third]
    assert row["mean_pairwise_distance"] == pytest.approx(np.mean(apart), abs=3 * np.std(apart) / np.sqrt(20))
    assert row["mean_pairwise_distance_sd"] > 0


def test_everybody_is_covered_by_one_of_the_chosen_and_reasons_say_by_whom(selection):
    assert set(selection.pool["covered_by"]) == set(selection.languages)
    for reason in selection.reasons:
        mine = selection.pool.loc[selection.pool["covered_by"] == reason.language, "language"]
        assert set(mine) == {reason.language, *reason.covers}
        need = float(selection.pool.set_index("language").loc[reason.language, "need"])
        assert f"needs {need:.2f} of the way" in reason.text
    assert len(selection.choice.next_languages) > 0


def test_a_matrix_gives_the_same_choice_as_a_frame_an_array_or_distances(pool):
    distances = feature_distances("uriel.syntax", pool)
    frame = pd.DataFrame(distances.values, index=list(pool), columns=list(pool))
    asked = {"objective": "max_sum"} | FEW
    by_name = select_languages(None, 4, candidates=pool, **asked).languages
    assert select_languages(frame, 4, **asked).languages == by_name
    assert select_languages(distances, 4, **asked).languages == by_name
    assert select_languages(distances.values, 4, candidates=pool, **asked).languages == by_name
    part = select_languages(frame, 2, candidates=pool[:5], **asked)
    assert part.candidates == pool[:5]


def test_the_same_call_gives_the_same_choice_and_the_seed_moves_only_draws(report, selection):
    again = select_languages(report, 4, **FEW)
    assert again.as_document() == selection.as_document()
    pd.testing.assert_frame_equal(again.table, selection.table)
    other = select_languages(report, 4, seed=1, **FEW)
    assert other.languages == selection.languages
    assert not other.draws.equals(selection.draws)


def test_a_folder_gives_back_what_was_saved(selection, tmp_path):
    folder = selection.save(tmp_path / "chosen")
    back = LanguageSelection.load(folder)
    assert back.as_document() == selection.as_document()
    assert (back.run, back.warnings, back.reasons) == (selection.run, selection.warnings, selection.reasons)
    for name in ("pool", "table", "draws", "distances", "weighed"):
        pd.testing.assert_frame_equal(getattr(back, name), getattr(selection, name), check_names=False)
    assert {path.name for path in folder.glob("*.png")} == {"languages.png", "arms.png"}


def test_other_commands_read_the_chosen_and_the_candidates(selection, tmp_path):
    folder = selection.save(tmp_path)
    assert tuple(read_languages(f"@{folder / 'chosen.json'}")) == selection.languages
    assert tuple(candidates_of(f"@{folder}") or ()) == selection.candidates
    document = json.loads((folder / "chosen.json").read_text())
    assert document["k"] == 4
    assert document["objective"] == "facility_location"
    assert document["reasons"] == [reason.text for reason in selection.reasons]


def test_a_damaged_folder_is_told(selection, tmp_path):
    folder = selection.save(tmp_path)
    (folder / "chosen.json").write_text("{}")
    with pytest.raises(XalignError, match=r"chosen\.json is damaged"):
        LanguageSelection.load(folder)


def test_a_saved_report_may_be_named_by_its_folder(report, selection, monkeypatch):
    monkeypatch.setattr("xalign.report.ProbeReport.load", lambda folder: report)
    assert select_languages("some/report", 4, **FEW).languages == selection.languages


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"k": 12}, SettingError, "k must be at most the 11 candidates, got 12"),
        ({"include": "deu", "exclude": "deu"}, SettingError, "deu_Latn in both"),
        ({"include": "deu,fra,rus,hin", "k": 3}, SettingError, "include and k contradict"),
        ({"include": "deu,fra", "max_per_family": 1}, SettingError, "max_per_family is 1"),
        ({"max_per_script": 1, "k": 9}, SettingError, "raise max_per_script or lower k"),
        ({"features": "uriel.sintax"}, UnknownNameError, "did you mean 'uriel.syntax'"),
        ({"candidates": "deu,fra,bbc", "k": 2}, UnknownNameError, "lacks bbc_Latn"),
        ({"pivot": "isl"}, UnknownNameError, "lacks isl_Latn"),
        ({"layer": 9}, UnknownNameError, "got 9"),
    ],
)
def test_what_cannot_be_is_refused_by_name(report, options, error, words):
    with pytest.raises(error, match=words):
        select_languages(report, **{"k": 4} | options, **FEW)


def test_a_language_without_features_is_named():
    with pytest.raises(UnknownNameError, match="xxb_Latn"):
        select_languages(None, 2, candidates=["deu", "fra", "xxb_Latn"], **FEW)


def test_languages_without_features_can_be_left_out_and_are_then_named():
    asked = {"candidates": ["deu", "fra", "xxb_Latn", "fin"], "drop_missing": True}
    found = select_languages(None, 2, **asked, **FEW)
    assert found.candidates == ("deu_Latn", "fra_Latn", "fin_Latn")
    assert "left out, having no uriel.syntax features: xxb_Latn" in found.warnings
    with pytest.raises(SettingError, match="k must be at most the 3 candidates, got 4"):
        select_languages(None, 4, **asked, **FEW)
    with pytest.raises(UnknownNameError, match="xxb_Latn"):
        select_languages(None, 2, include="xxb_Latn", **asked, **FEW)


def test_a_report_without_a_matrix_says_how_to_get_one_and_does_without_coverage(report_of):
    report = report_of(matrices=())
    with pytest.raises(ProbeError, match=r"pivot=None.*coverage=0"):
        select_languages(report, 3, **FEW)
    assert len(select_languages(report, 3, coverage=0, **FEW).languages) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: np.triu(d), "symmetric"),
        (lambda d: -d, "must be at least 0"),
        (lambda d: d[:, :3], "a row and a column for each of 11 languages"),
    ],
)
def test_a_matrix_that_holds_no_distances_is_refused(pool, change, words):
    distances = feature_distances("uriel.syntax", pool).values
    with pytest.raises(SettingError, match=words):
        select_languages(change(distances), 3, candidates=pool, **FEW)
