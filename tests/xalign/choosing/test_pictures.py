"""The map shows who is chosen and who covers whom; names do not cover each other; arms stand where the table says."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from xalign.choosing import select_languages
from xalign.choosing.candidates import find_candidates
from xalign.choosing.plane import lay_out
from xalign.figures.language_choices import draw_selection, plot_arms, plot_choice, plot_selection
from xalign.figures.names import name_languages


@pytest.fixture
def ax():
    return Figure(figsize=(8.6, 6.6)).subplots()


@pytest.fixture(scope="module")
def selection():
    return select_languages(None, 5, candidates="embedded", n_draws=30)


def names_in(ax):
    return {text.get_text() for text in ax.texts}


def test_every_candidate_is_joined_to_the_chosen_one_that_covers_it(selection, ax):
    plot_selection(selection, ax=ax)
    places = lay_out(selection.distances.to_numpy()).positions
    row = {language: index for index, language in enumerate(selection.candidates)}
    expected = {
        (tuple(places[row[language]]), tuple(places[row[by]]))
        for language, by in zip(selection.pool["language"], selection.pool["covered_by"], strict=True)
        if language != by
    }
    drawn = {tuple(map(tuple, segment)) for segment in ax.collections[0].get_segments()}
    assert drawn == expected
    assert len(drawn) == len(selection.candidates) - 5


def test_few_languages_are_all_named_of_many_only_the_chosen(selection, ax):
    plot_selection(selection, ax=ax)
    names = name_languages(selection.candidates)
    assert names_in(ax) == {*names.values(), *"12345"}
    many = find_candidates("flores")
    rng = np.random.default_rng(0)
    plot_choice(rng.normal(size=(205, 2)), many, [3, 50, 100], np.full(205, 3), ax=(other := Figure().subplots()))
    names = name_languages(many)
    assert names_in(other) == {names[many[3]], names[many[50]], names[many[100]], *"123"}


def test_names_overlap_neither_each_other_nor_the_frame(selection, ax):
    plot_selection(selection, ax=ax)
    figure = ax.figure
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts if not text.get_text().isdigit()]
    for index, box in enumerate(boxes):
        assert not box.count_overlaps(boxes[:index])
        assert ax.bbox.x0 <= box.x0
        assert box.x1 <= ax.bbox.x1


def test_the_picture_says_its_distances_and_its_stress(selection, ax):
    plot_selection(selection, ax=ax)
    assert "Distances: uriel.syntax" in ax.get_xlabel()
    assert f"{lay_out(selection.distances.to_numpy()).stress:.0%} (stress)" in ax.get_xlabel()
    assert ax.get_title(loc="left").startswith("5 of 23 languages")


def test_where_lines_go_by_weighed_distances_the_picture_says_so(report, selection, ax):
    plot_selection(selection, ax=ax)
    assert "weighed" not in ax.get_xlabel()
    found = select_languages(report, 4, n_draws=5)
    plot_selection(found, ax=(other := Figure(figsize=(8.6, 6.6)).subplots()))
    told = " ".join(other.get_xlabel().split())
    assert f"the chosen language that covers, nearest by the weighed distance ({found.run['weighing']})." in told
    assert "). Distances: uriel.syntax; in the plane" in told
    other.figure.canvas.draw()
    assert other.xaxis.label.get_window_extent().x1 <= other.figure.bbox.x1


def test_arms_stand_at_their_distance_from_random_in_standard_deviations(selection, ax):
    plot_arms(selection.table, ax=ax)
    table = selection.table.set_index("arm")
    away = (table.loc["choice"] - table.loc["random"])["coverage"] / table.loc["random", "coverage_sd"]
    lines = {line.get_label(): line for line in ax.lines if not str(line.get_label()).startswith("_")}
    assert set(lines) == {"choice", "one per family", "most resourced", "least diverse"}
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert lines["choice"].get_xdata()[labels.index("Coverage of the candidates")] == pytest.approx(away)
    assert "Mean need of the chosen" not in labels


def test_where_every_draw_is_the_same_there_are_no_arms_to_draw(ax):
    everyone = select_languages(None, 3, candidates="deu,swh,tam", n_draws=5)
    assert [picture.name for picture in draw_selection(everyone)] == ["languages"]
    with pytest.raises(ValueError, match="table must hold a measure that varies"):
        plot_arms(everyone.table, ax=ax)


def test_drawing_for_a_folder_leaves_pyplot_alone_and_gives_the_same_bytes(selection):
    before = plt.get_fignums()
    one, other = draw_selection(selection), draw_selection(selection)
    assert plt.get_fignums() == before
    assert [picture.png for picture in one] == [picture.png for picture in other]
    assert [picture.name for picture in one] == ["languages", "arms"]
