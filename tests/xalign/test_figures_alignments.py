"""The alignment matrix shows every link and gold link in its cell, and every word in letters that can be drawn."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from xalign.figures import glyphs
from xalign.figures.alignments import ROMANISED, alignment_picture, plot_alignment
from xalign.figures.canvas import PALETTE, QUIET
from xalign.figures.glyphs import label_words

SOURCE, TARGET = ["i", "disagree", "with", "the", "minister"], ["je", "ne", "partage", "pas"]
LINKS = {(0, 0), (1, 2), (4, 3)}
SURE, POSSIBLE = {(0, 0), (3, 1)}, {(0, 0), (3, 1), (1, 2), (1, 3)}


def axes():
    return Figure(figsize=(5, 5), layout="constrained").subplots()


def marked(ax, marker):
    return {
        (int(y), int(x))
        for line in ax.get_lines()
        if line.get_marker() == marker
        for x, y in line.get_xydata().tolist()
    }


def framed(ax, style):
    return {
        (round(patch.get_y() + 0.42), round(patch.get_x() + 0.42))
        for patch in ax.patches
        if isinstance(patch, Rectangle) and (patch.get_linestyle() == "-") == (style == "-")
    }


def test_dots_are_links_in_gold_crosses_others_and_frames_gold():
    ax = plot_alignment(SOURCE, TARGET, LINKS, sure=SURE, possible=POSSIBLE, ax=axes())
    assert marked(ax, "o") == {(0, 0), (1, 2)}
    assert marked(ax, "X") == {(4, 3)}
    assert framed(ax, "-") == SURE
    assert framed(ax, "--") == POSSIBLE - SURE
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["found, in gold", "found, not in gold", "sure", "possible"]


def test_without_gold_every_link_is_a_dot():
    ax = plot_alignment(SOURCE, TARGET, LINKS, ax=axes())
    assert marked(ax, "o") == LINKS
    assert marked(ax, "X") == set()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["found"]
    assert [label.get_text() for label in ax.get_yticklabels()] == SOURCE
    assert [label.get_text() for label in ax.get_xticklabels()] == TARGET


def test_the_shade_is_the_similarity_and_a_word_without_one_is_left_white():
    similarity = np.linspace(-0.2, 0.9, 20).reshape(5, 4)
    similarity[2] = np.nan
    ax = plot_alignment(SOURCE, TARGET, LINKS, similarity=similarity, ax=axes())
    (image,) = ax.images
    shown = np.ma.filled(np.ma.masked_array(image.get_array(), dtype=float), np.nan)
    np.testing.assert_array_equal(shown, similarity)
    assert to_hex(image.to_rgba(0.9)) == "#8dbbdb"


def test_arabic_is_drawn_in_its_own_letters_and_nothing_is_romanised():
    labels = label_words(["الطقس", "جميل", "اليوم"])
    assert labels.words == ("الطقس", "جميل", "اليوم")
    assert labels.romanised == frozenset()


def test_words_that_no_font_has_are_romanised_and_it_is_said(monkeypatch):
    monkeypatch.setattr(glyphs, "_fonts", lambda: ())
    labels = label_words(["同年", "に", "3.4%", "あった"])
    assert labels.words == ("tongnian", "ni", "3.4%", "atta")
    assert labels.romanised == {0, 1, 3}
    ax = plot_alignment(["同年", "OK"], ["same", "year"], {(0, 0)}, ax=axes())
    assert ax.get_xlabel() == ROMANISED
    first, second = ax.get_yticklabels()
    assert (first.get_text(), first.get_color(), first.get_fontstyle()) == ("tongnian", QUIET, "italic")
    assert (second.get_text(), second.get_fontstyle()) == ("OK", "normal")


def test_an_installed_font_with_the_letters_is_taken_before_romanising(monkeypatch):
    monkeypatch.setattr(glyphs, "_fonts", lambda: (("Toy Sans", "toy.ttf"), ("Other Sans", "other.ttf")))
    real = glyphs._charmap
    monkeypatch.setattr(
        glyphs,
        "_charmap",
        lambda path: {"toy.ttf": frozenset("同"), "other.ttf": frozenset("年同")}.get(path) or real(path),
    )
    monkeypatch.setattr(
        glyphs,
        "_covered",
        lambda families: frozenset(map(chr, range(128))) | (frozenset("同年") if families[1:] else frozenset()),
    )
    labels = label_words(["同年"])
    assert labels.words == ("同年",)
    assert labels.families[-2:] == ("Toy Sans", "Other Sans")
    assert labels.romanised == frozenset()


@pytest.mark.parametrize(
    "words", [["同年", "に"], ["ภาษา", "ไทย"], ["हिन्दी"], ["தமிழ்"], ["한국어"], ["ქართული"], ["😀"]]
)
def test_every_script_is_drawn_without_a_missing_letter(words):
    picture = alignment_picture(
        "toy", "caption", words, ["a", "b"], links={(0, 0)}, similarity=np.ones((len(words), 2))
    )
    assert picture.png.startswith(b"\x89PNG")
    assert (picture.name, picture.caption) == ("toy", "caption")


def test_long_sentences_get_larger_pictures_with_every_word_named():
    words = [f"word{i}" for i in range(70)]
    short, long = (
        alignment_picture("toy", "", words[:n], words[:n], links={(i, i) for i in range(n)}) for n in (5, 70)
    )
    assert long.width > 2 * short.width
    ax = plot_alignment(words, words, set())
    assert len(ax.get_yticklabels()) == 70
    assert min(label.get_fontsize() for label in ax.get_xticklabels()) >= 4
    ax.figure.clear()
    import matplotlib.pyplot as plt

    plt.close(ax.figure)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([], TARGET, set()), {}, "source and target must have words, got 0 and 4"),
        ((SOURCE, TARGET, {(5, 0)}), {}, r"links must link 5 source and 4 target words, counted from 0, got \(5, 0\)"),
        ((SOURCE, TARGET, set()), {"sure": {(0, 4)}}, "sure must link 5 source"),
        ((SOURCE, TARGET, set()), {"similarity": np.ones((4, 5))}, r"must have the shape \(5, 4\) of the words"),
    ],
)
def test_what_does_not_fit_the_words_is_named(unchecked, arguments, options, message):
    with pytest.raises(ValueError, match=message):
        plot_alignment(*arguments, **options, ax=axes())


def test_found_links_stand_out_from_wrong_ones_by_colour_too():
    ax = plot_alignment(SOURCE, TARGET, LINKS, sure=SURE, possible=POSSIBLE, ax=axes())
    colours = {line.get_marker(): line.get_color() for line in ax.get_lines()}
    assert colours == {"o": PALETTE[0], "X": PALETTE[1]}
