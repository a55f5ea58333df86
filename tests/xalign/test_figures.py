"""What the pictures show is what the table says."""

import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from xalign.comparison import compare_tables
from xalign.errors import UnknownNameError
from xalign.figures import (
    draw_pictures,
    plot_changes,
    plot_comparison,
    plot_confound,
    plot_language_layers,
    plot_layers,
)
from xalign.figures.canvas import PALETTE, readable, relative_luminance, spread
from xalign.figures.names import model_title, name_languages, two_decimals
from xalign.figures.reductions import layer_means
from xalign.summary import summarise


@pytest.fixture
def ax() -> Axes:
    return Figure(figsize=(7, 4), layout="constrained").subplots()


def line(ax: Axes, label: str):
    (found,) = [drawn for drawn in ax.lines if drawn.get_label() == label]
    return found


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_a_probes_line_is_the_mean_over_languages(report_table, ax):
    table = report_table()
    plot_layers(table, ax=ax)
    expected = table[table["probe"] == "retrieval"].groupby("layer")["score"].mean()
    drawn = line(ax, "Retrieval P@1")
    np.testing.assert_array_equal(drawn.get_xdata(), expected.index)
    np.testing.assert_allclose(drawn.get_ydata(), expected)


def test_the_band_of_a_mean_is_the_interval_of_the_summary(report_table, ax):
    table = report_table(probes=["anc"])
    plot_layers(table, probe="anc", ax=ax)
    summary = summarise(table)
    drawn = ax.collections[-1].get_paths()[0].vertices
    for _, row in summary.iterrows():
        heights = drawn[drawn[:, 0] == row["layer"], 1]
        assert heights.min() == pytest.approx(row["ci_low"])
        assert heights.max() == pytest.approx(row["ci_high"])


def test_chance_and_two_null_deviations_are_drawn(report_table, ax):
    table = report_table(probes=["retrieval"])
    plot_layers(table, ax=ax)
    np.testing.assert_allclose(line(ax, "chance").get_ydata(), 0.01)
    band = next(shape for shape in ax.collections if "null" in str(shape.get_label())).get_paths()[0].vertices
    nulls = table[table["layer"] == 3]
    at_three = band[band[:, 0] == 3, 1]
    assert at_three.max() == pytest.approx(nulls["null_mean"].mean() + 2 * 0.007)
    assert at_three.min() == pytest.approx(nulls["null_mean"].mean() - 2 * 0.007)


def test_a_probe_without_known_chance_has_no_chance_line(report_table, ax):
    plot_layers(report_table(probes=["overlap"]).assign(chance=np.nan), ax=ax)
    assert "chance" not in [drawn.get_label() for drawn in ax.lines]


def test_few_languages_have_a_line_each_with_the_tables_interval(report_table, ax):
    languages = ["eng_Latn", "deu_Latn", "swh_Latn", "yor_Latn"]
    table = report_table(languages=languages, probes=["cka"])
    plot_layers(table, by="target", ax=ax)
    swahili = table[table["target"] == "swh_Latn"].sort_values("layer")
    np.testing.assert_allclose(line(ax, "Swahili").get_ydata(), swahili["score"])
    assert {"German", "Swahili", "Yoruba"} <= set(words(ax))
    assert "sentences" in ax.get_ylabel()


def test_many_languages_name_only_the_mean_and_the_extremes_of_the_best_layer(report_table, ax):
    table = report_table()
    plot_layers(table, probe="cka", by="target", ax=ax)
    best = table[(table["probe"] == "cka") & (table["layer"] == 5)].set_index("target")["score"].sort_values()
    names = name_languages([*best.index[:3], *best.index[-3:]])
    assert set(words(ax)) == {*names.values(), "mean of 23"}
    means = table[table["probe"] == "cka"].groupby("layer")["score"].mean()
    np.testing.assert_allclose(line(ax, "mean").get_ydata(), means)


def test_without_a_pivot_a_languages_line_averages_both_ends_of_its_pairs(report_table, ax):
    table = report_table(languages=["eng_Latn", "deu_Latn", "fra_Latn"], probes=["cka"], pivot=None)
    plot_layers(table, by="target", ax=ax)
    of_german = table[(table["source"] == "deu_Latn") | (table["target"] == "deu_Latn")]
    np.testing.assert_allclose(line(ax, "German").get_ydata(), of_german.groupby("layer")["score"].mean())


def test_one_pair_keeps_its_interval_over_sentences(report_table):
    table = report_table(languages=["eng_Latn", "deu_Latn"], probes=["cka"])
    means = layer_means(table)
    np.testing.assert_allclose(means[["ci_low", "ci_high"]], table[["ci_low", "ci_high"]])


def test_languages_of_the_layer_map_stand_by_their_mean_and_cells_hold_the_scores(report_table, ax):
    table = report_table(probes=["anc"])
    plot_language_layers(table, "anc", ax=ax)
    scores = table.pivot_table(index="target", columns="layer", values="score")
    ranked = scores.loc[scores.mean(axis=1).sort_values(ascending=False).index]
    np.testing.assert_allclose(ax.images[0].get_array(), ranked)
    names = name_languages(ranked.index)
    assert [label.get_text() for label in ax.get_yticklabels()] == [names[code] for code in ranked.index]


def test_a_comparison_draws_both_means(report_table, ax):
    before, after = report_table(seed=1), report_table(seed=2)
    plot_comparison(compare_tables(before, after).table, "cka", names=("plain", "realigned"), ax=ax)
    for table, name in ((before, "plain"), (after, "realigned")):
        expected = table[table["probe"] == "cka"].groupby("layer")["score"].mean()
        np.testing.assert_allclose(line(ax, name).get_ydata(), expected)


def test_changes_stand_greatest_gain_first_with_the_change_written(report_table, ax):
    compared = compare_tables(report_table(seed=1), report_table(seed=2)).table
    plot_changes(compared, "cka", layer=4, ax=ax)
    rows = compared[(compared["probe"] == "cka") & (compared["layer"] == 4)].sort_values("change", ascending=False)
    np.testing.assert_allclose(line(ax, "before").get_xdata(), rows["before"])
    np.testing.assert_allclose(line(ax, "after").get_xdata(), rows["after"])
    assert [f"{change:+.3f}".replace("-", "−") for change in rows["change"]] == words(ax)[: len(rows)]


def test_a_confound_in_perfect_order_has_a_rank_correlation_of_one(report_table, ax):
    table = report_table(probes=["cka"])
    at_best = table[table["layer"] == 5]
    confounds = pd.DataFrame({"language": at_best["target"], "tokens_per_sentence": np.exp(9 * at_best["score"])})
    plot_confound(table, confounds, "cka", layer=5, ax=ax)
    assert "ρ = 1.00, 23 languages" in ax.get_title(loc="left")
    lowest = at_best.loc[at_best["score"].idxmin(), "target"]
    assert name_languages([lowest])[lowest] in words(ax)


def test_drawing_leaves_no_figure_and_no_setting_behind(report_table, confound_table):
    before = dict(mpl.rcParams)
    pictures = draw_pictures(report_table(probes=["cka", "anc"]), confounds=confound_table)
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before
    assert len({picture.name for picture in pictures}) == len(pictures) == 1 + 2 * 3


def test_pictures_are_png_of_the_size_they_tell_and_the_same_for_the_same_table(report_table):
    table = report_table(probes=["cka"], languages=["eng_Latn", "deu_Latn", "fra_Latn"])
    first, second = draw_pictures(table), draw_pictures(table)
    assert [picture.png for picture in first] == [picture.png for picture in second]
    for picture in first:
        assert picture.png[:8] == b"\x89PNG\r\n\x1a\n"
        size = [int.from_bytes(picture.png[start : start + 4], "big") for start in (16, 20)]
        assert size == [picture.width, picture.height]


def test_without_axes_a_notebook_gets_a_figure_of_its_own(report_table):
    drawn = plot_layers(report_table(probes=["cka"]))
    assert plt.get_fignums() == [drawn.figure.number]
    plt.close(drawn.figure)


def test_names_at_line_ends_do_not_overlap(report_table, ax):
    probes = ["cka", "cka_biased", "anc", "anc_absolute", "retrieval", "mrr", "mutual", "strong", "csls"]
    plot_layers(report_table(probes=probes).assign(score=0.5), ax=ax)
    ax.figure.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in ax.texts), key=lambda box: box.y0)
    assert len(boxes) == 9
    assert all(low.y1 <= high.y0 + 1 for low, high in itertools.pairwise(boxes))


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12), st.floats(0.01, 2))
@settings(max_examples=60, deadline=None)
def test_spread_keeps_the_order_the_mean_and_the_gap(positions, gap):
    placed = spread(positions, gap)
    order = np.argsort(positions, kind="stable")
    assert np.all(np.diff(np.array(placed)[order]) >= gap - 1e-9)
    assert np.mean(placed) == pytest.approx(np.mean(positions), abs=1e-9)


def test_spread_leaves_alone_what_is_far_enough():
    assert spread([3.0, 1.0, 2.0], 0.5) == pytest.approx([3.0, 1.0, 2.0])


def test_every_label_contrasts_with_white():
    for colour in PALETTE:
        assert 1.05 / (relative_luminance(readable(colour)) + 0.05) >= 4.5


# Machado et al. (2009), A Physiologically-based Model for Simulation of Color Vision Deficiency, severity 1.0.
DEUTERANOPIA = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
PROTANOPIA = np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]])


@pytest.mark.parametrize("vision", [np.eye(3), DEUTERANOPIA, PROTANOPIA], ids=["full", "deuteranopia", "protanopia"])
def test_any_two_colours_of_the_palette_stay_apart_to_colour_blind_eyes(vision):
    seen = [lab(vision @ linear(colour)) for colour in PALETTE]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 10


def linear(colour: str) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* of linear sRGB under D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_names_are_words_and_a_label_that_is_no_language_stays():
    names = name_languages(["swh_Latn", "eng_Latn", "my own dialect"])
    assert names == {"swh_Latn": "Swahili", "eng_Latn": "English", "my own dialect": "my own dialect"}


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, ".50"), (-0.031, "−.03"), (10.5, "10.50"), (1.0, "1.00"), (-0.001, ".00"), (np.nan, "–")]
)
def test_two_decimals_as_papers_print_them(value, text):
    assert two_decimals(value) == text


@pytest.mark.parametrize(
    ("model", "title"),
    [("google/muril", "google/muril"), ("/home/me/models/mine", "mine"), ("xalign-mini", "xalign-mini")],
)
def test_a_models_folder_is_shortened_and_a_hub_name_is_not(model, title):
    assert model_title(model) == title


def test_errors_name_what_came_and_what_to_do(report_table, confound_table, ax):
    table = report_table()
    with pytest.raises(UnknownNameError, match=r"got 'retrieva' \(did you mean 'retrieval'\?\)"):
        plot_layers(table, probe="retrieva", ax=ax)
    with pytest.raises(ValueError, match=r"by must be 'probe' or 'target', got 'language'"):
        plot_layers(table, by="language", ax=ax)
    with pytest.raises(ValueError, match="pass probe='cka'"):
        plot_layers(table, by="target", ax=ax)
    with pytest.raises(ValueError, match=r"lacks \['null_sd'\]"):
        plot_layers(table.drop(columns="null_sd"), ax=ax)
    with pytest.raises(UnknownNameError, match=r"against must be one of .* got 'tokens'"):
        plot_confound(table, confound_table, "cka", against="tokens", ax=ax)
    with pytest.raises(UnknownNameError, match=r"against must be one of .*'fertility'.*, got 'script'"):
        plot_confound(table, confound_table, "cka", against="script", ax=ax)
    with pytest.raises(UnknownNameError, match=r"layer must be one of .* got 9"):
        plot_confound(table, confound_table, "cka", layer=9, ax=ax)


def test_names_in_a_crowd_stay_inside_the_frame(report_table, confound_table, ax):
    plot_confound(report_table(probes=["cka"]), confound_table, "cka", ax=ax)
    ax.figure.draw_without_rendering()
    frame = ax.get_window_extent()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert boxes
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)


def test_a_single_layer_shows_its_interval_and_chance_around_it(report_table):
    table = report_table()
    ax = plot_layers(table[table["layer"] == 5], probe="cka")
    assert ax.get_xlim() == (4.5, 5.5)
    assert list(ax.get_xticks()) == [5]
    chance = next(line for line in ax.get_lines() if line.get_label() == "chance")
    assert list(chance.get_xdata()) == [4.8, 5.2]
