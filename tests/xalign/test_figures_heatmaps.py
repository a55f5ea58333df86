"""Language by language heat maps: the order is a clustering's, the cells are the scores."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import squareform

from xalign.figures import cluster_order, plot_matrix
from xalign.figures.names import name_languages


@pytest.fixture
def ax() -> Axes:
    return Figure(figsize=(6, 6), layout="constrained").subplots()


def similarities(n: int, seed: int) -> pd.DataFrame:
    values = np.corrcoef(np.random.default_rng(seed).normal(size=(n, 5)))
    languages = [f"q{i:02}" for i in range(n)]
    return pd.DataFrame(values, index=languages, columns=languages)


def fence(n_groups: int, size: int) -> pd.DataFrame:
    """Groups of similar languages, shuffled."""
    languages = [f"{group}{member}" for group in "abcdef"[:n_groups] for member in range(size)]
    values = np.array([[0.9 if a[0] == b[0] else 0.2 for b in languages] for a in languages])
    values += 0.01 * similarities(len(languages), 0).to_numpy()
    matrix = pd.DataFrame(values, index=languages, columns=languages)
    shuffled = np.random.default_rng(3).permutation(languages)
    return matrix.loc[shuffled, shuffled]


@given(st.integers(3, 14), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_along_the_order_cophenetic_distances_are_the_highest_step_between(n, seed):
    matrix = similarities(n, seed)
    order = [list(matrix.index).index(language) for language in cluster_order(matrix)]
    condensed = squareform(1.0 - matrix.to_numpy(), checks=False)
    heights = squareform(cophenet(linkage(condensed, method="average")))[np.ix_(order, order)]
    steps = np.diagonal(heights, offset=1)
    for first in range(n):
        for last in range(first + 1, n):
            assert heights[first, last] == pytest.approx(steps[first:last].max())


def test_groups_of_similar_languages_stand_together():
    order = cluster_order(fence(4, 5))
    groups = "".join(language[0] for language in order)
    assert all(group * 5 in groups for group in "abcd")


def test_the_order_does_not_depend_on_the_order_of_the_rows():
    matrix = similarities(12, 4)
    first = cluster_order(matrix)
    shuffled = list(np.random.default_rng(0).permutation(list(matrix.index)))
    second = cluster_order(matrix.loc[shuffled, shuffled])
    assert second in (first, first[::-1])


def test_the_order_ignores_a_shift_and_a_positive_scale():
    matrix = similarities(12, 5)
    assert cluster_order(3.0 * matrix + 0.4) == cluster_order(matrix)


def test_a_missing_direction_is_taken_from_the_other():
    matrix = similarities(10, 6)
    half = matrix.where(np.triu(np.ones((10, 10), dtype=bool)))
    assert cluster_order(half) == cluster_order(matrix)


def test_cells_are_the_scores_in_the_clustered_order_with_the_diagonal_blank(ax):
    matrix = similarities(6, 7)
    plot_matrix(matrix, title="made up", ax=ax)
    order = cluster_order(matrix)
    drawn = np.ma.filled(ax.images[0].get_array(), np.nan)
    expected = matrix.loc[order, order].to_numpy(copy=True)
    np.fill_diagonal(expected, np.nan)
    np.testing.assert_allclose(drawn, expected)
    assert ax.get_title(loc="left") == "made up"


def test_rows_and_columns_are_named_in_words(ax):
    languages = ["eng_Latn", "deu_Latn", "swh_Latn"]
    matrix = pd.DataFrame([[1, 0.6, 0.2], [0.6, 1, 0.3], [0.2, 0.3, 1]], index=languages, columns=languages)
    plot_matrix(matrix, ax=ax)
    expected = [name_languages(languages)[language] for language in cluster_order(matrix)]
    assert [label.get_text() for label in ax.get_yticklabels()] == expected
    assert [label.get_text() for label in ax.get_xticklabels()] == expected
    assert set(expected) == {"English", "German", "Swahili"}


def test_missing_scores_are_hatched_where_they_stand(ax):
    matrix = similarities(5, 8)
    matrix.loc["q01", "q03"] = np.nan
    plot_matrix(matrix, ax=ax)
    order = cluster_order(matrix)
    (patch,) = ax.patches
    assert patch.get_hatch()
    assert patch.get_xy() == (order.index("q03") - 0.5, order.index("q01") - 0.5)


def test_values_are_printed_for_twelve_languages_and_not_for_thirteen(ax):
    plot_matrix(similarities(12, 9), ax=ax)
    assert len(ax.texts) == 12 * 11
    other = Figure().subplots()
    plot_matrix(similarities(13, 9), ax=other)
    assert len(other.texts) == 0


def test_printed_values_contrast_with_their_cells(ax):
    plot_matrix(similarities(12, 10), ax=ax)
    image = ax.images[0]
    for text in ax.texts:
        column, row = (int(place) for place in text.get_position())
        cell = luminance(image.to_rgba(image.get_array()[row, column])[:3])
        ink = luminance(tuple(int(text.get_color()[i : i + 2], 16) / 255 for i in (1, 3, 5)))
        assert (max(cell, ink) + 0.05) / (min(cell, ink) + 0.05) > 3.5


def luminance(rgb) -> float:
    rgb = np.asarray(rgb)
    return float(np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def test_colours_diverge_from_zero_where_scores_lie_on_both_sides_and_else_do_not(ax):
    plot_matrix(similarities(8, 11), ax=ax)
    image = ax.images[0]
    assert image.norm.vmin == -image.norm.vmax
    assert image.cmap.name == "RdBu"
    other = Figure().subplots()
    plot_matrix(fence(2, 4), ax=other)
    assert other.images[0].cmap.name == "cividis"


def test_the_diagonal_sets_no_colour_limit(ax):
    plot_matrix(fence(2, 4), ax=ax)
    matrix = fence(2, 4).to_numpy()
    off = matrix[~np.eye(8, dtype=bool)]
    assert ax.images[0].norm.vmax == pytest.approx(off.max())


def test_two_hundred_languages_thin_their_names_on_a_small_figure_and_keep_them_on_a_tall_one():
    matrix = similarities(205, 12)
    small = Figure(figsize=(5, 5), layout="constrained").subplots()
    plot_matrix(matrix, ax=small)
    assert 20 < len(small.get_yticklabels()) < 110
    tall = Figure(figsize=(27, 26), layout="constrained").subplots()
    plot_matrix(matrix, ax=tall)
    assert len(tall.get_yticklabels()) == 205
    assert tall.get_yticklabels()[0].get_fontsize() >= 4


def test_a_matrix_whose_rows_and_columns_differ_is_refused():
    matrix = similarities(4, 13)
    with pytest.raises(ValueError, match="the same in index and columns"):
        cluster_order(matrix.iloc[:, ::-1])
    with pytest.raises(ValueError, match="got 1 rows"):
        cluster_order(matrix.iloc[:1, :1])
