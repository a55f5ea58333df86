"""Scores of alignments against gold links: known answers at both ends, floors, files, and which index base is which."""

import numpy as np
import pytest

from probes.alignment_errors import alignment_error_rate
from xalign.encoders import load_encoder
from xalign.errors import CorpusError, SettingError
from xalign.word_alignment import (
    AlignmentEvaluation,
    GoldSet,
    align_words,
    evaluate_alignment,
    read_gold_set,
    read_gold_sets,
)
from xalign.word_alignment.floors import diagonal_links, random_links
from xalign.word_alignment.pharaoh import GoldLinks


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(dtype="float32", device="cpu")


@pytest.fixture(scope="module")
def english_french(real_data):
    whole = read_gold_sets(real_data / "word_alignment" / "awesome" / "enfr")[0]
    gold = GoldLinks(whole.gold.sure[:60], whole.gold.possible[:60])
    perfect = [dict.fromkeys(links, 1.0) for links in gold.sure]
    return GoldSet("enfr", whole.pairs[:60], gold, {"perfect": perfect})


@pytest.fixture(scope="module")
def evaluation(encoder, english_french):
    return evaluate_alignment(encoder, [english_french], methods=["argmax", "mwmf"], layers=range(7), n_resamples=100)


def row(result, method, layer=None):
    table = result.table[result.table["method"] == method]
    return table[table["layer"] == layer].iloc[0] if layer is not None else table.iloc[0]


def test_every_row_is_what_aligning_alone_and_the_error_rate_say(evaluation, encoder, english_french):
    for method, layer in (("argmax", 0), ("argmax", 5), ("mwmf", 2)):
        found = align_words(encoder, english_french.pairs, method=method, layer=layer)
        gold, links = english_french.gold, [each.links for each in found]
        expected = alignment_error_rate(links, gold.sure, gold.possible, shapes=english_french.shapes)
        own = row(evaluation, method, layer)
        for name in ("aer", "precision", "recall", "f1", "total_f1"):
            assert own[name] == pytest.approx(getattr(expected, name))
            assert own[f"{name}_low"] < own[name] < own[f"{name}_high"]
        assert (own["n"], own["links"]) == (60, sum(map(len, links)))


def test_floors_and_hypotheses_stand_beside_and_have_no_layer(evaluation):
    beside = evaluation.table[evaluation.table["layer"].isna()]
    assert beside["method"].tolist() == ["perfect", "diagonal", "random"]
    assert row(evaluation, "perfect")[["aer", "precision", "recall"]].tolist() == [0.0, 1.0, 1.0]
    best = evaluation.table.dropna(subset=["layer"])["aer"].min()
    assert evaluation.score == best < row(evaluation, "diagonal")["aer"] < row(evaluation, "random")["aer"]


def test_it_is_saved_and_loaded_whole(evaluation, tmp_path):
    evaluation.save(tmp_path / "out")
    again = AlignmentEvaluation.load(tmp_path / "out")
    assert again.table.equals(evaluation.table)
    assert again.run["arguments"]["methods"] == ["argmax", "mwmf"]
    assert again.run["data"] == {"enfr": 60}


def test_the_package_itself_gets_the_same_scores(encoder, english_french):
    part = GoldSet(
        "part", english_french.pairs[:12], GoldLinks(english_french.gold.sure[:12], english_french.gold.possible[:12])
    )
    ours, theirs = (
        evaluate_alignment(encoder, [part], methods=["itermax"], n_resamples=20, backend=name)
        for name in ("xalign", "simalign")
    )
    assert ours.table.equals(theirs.table)


def test_pairs_that_were_cut_off_are_told():
    encoder = load_encoder(dtype="float32", device="cpu", max_length=8)
    links = frozenset({(0, 0)})
    gold_set = GoldSet("toy", [(["water"] * 20, ["eau"]), (["water"], ["eau"])], GoldLinks((links,) * 2, (links,) * 2))
    result = evaluate_alignment(encoder, [gold_set], methods=["argmax"], n_resamples=5, windows=False)
    assert result.warnings == ("toy: 1 of 2 sentence pairs are longer than the model reads and were cut off",)


def test_the_diagonal_is_as_far_from_gold_as_is_known(real_data):
    """AER 54 % on English-French."""
    (whole,) = read_gold_sets(real_data / "word_alignment" / "awesome" / "enfr")
    found = alignment_error_rate(diagonal_links(whole.shapes), whole.gold.sure, whole.gold.possible)
    assert found.aer == pytest.approx(0.541, abs=0.002)


def test_published_output_has_its_published_error_rate_when_read_from_files(real_data, tmp_path):
    """awesome-align's released English-French links: AER 4.1 %."""
    archive = np.load(real_data / "references" / "word_alignment_links.npz")
    lines = [[] for _ in range(447)]
    for sentence, i, j in archive["enfr_system"].tolist():
        lines[sentence].append(f"{i}-{j}")
    path = tmp_path / "awesome.pharaoh"
    path.write_text("".join(f"{' '.join(line)}\n" for line in lines))
    folder = real_data / "word_alignment" / "awesome"
    whole = read_gold_set(folder / "enfr.src-tgt", folder / "enfr.gold", hypotheses=[path])
    links = [set(line) for line in whole.hypotheses["awesome"]]
    assert alignment_error_rate(links, whole.gold.sure, whole.gold.possible).aer == pytest.approx(0.041, abs=5e-4)


def test_other_systems_may_count_from_1_and_keep_names_of_their_own(tmp_path):
    (tmp_path / "a.src-tgt").write_text("a b ||| c d\n")
    (tmp_path / "a.gold").write_text("1-1 2-2\n")
    (tmp_path / "x.one").write_text("1-2 2-2\n")
    (tmp_path / "x.zero").write_text("0-1 1-1\n")
    pairs, gold, one, zero = (tmp_path / name for name in ("a.src-tgt", "a.gold", "x.one", "x.zero"))
    found = read_gold_set(pairs, gold, hypotheses=[one], hypothesis_base=1).hypotheses
    assert found == read_gold_set(pairs, gold, hypotheses=[zero]).hypotheses == {"x": [{(0, 1): 1.0, (1, 1): 1.0}]}
    with pytest.raises(SettingError, match="got x twice; rename one"):
        read_gold_set(pairs, gold, hypotheses=[zero, zero])


def test_the_diagonal_stays_in_its_sentence_and_is_straight_where_both_sides_are_equal():
    shapes = [(m, n) for m in range(6) for n in range(6)]
    for (m, n), links in zip(shapes, diagonal_links(shapes), strict=True):
        assert all(0 <= i < m and 0 <= j < n for i, j in links)
        assert len(links) == (m if n else 0)
        if m == n:
            assert links == {(i, i) for i in range(m)}


def test_random_links_are_one_to_one_and_as_likely_anywhere():
    found = random_links([(3, 4)] * 4000, seed=1)
    assert all(len({i for i, _ in links}) == len({j for _, j in links}) == 3 for links in found)
    counts = np.zeros((3, 4))
    for links in found:
        for i, j in links:
            counts[i, j] += 1
    np.testing.assert_allclose(counts / 4000, 1 / 4, atol=0.03)
    assert random_links([(3, 4)] * 9, seed=1) == found[:9]


def test_sets_that_cannot_be_judged_are_refused(encoder, tmp_path):
    with pytest.raises(SettingError, match="sets must hold at least one set"):
        evaluate_alignment(encoder, [])
    (tmp_path / "a.src-tgt").write_text("a b ||| c\n")
    (tmp_path / "a.gold").write_text("1-1 2-2\n")
    with pytest.raises(CorpusError, match=r"a\.gold, line 1: .* 2 source and 1 target words, counted from 1, got 2-2"):
        read_gold_sets(tmp_path)
