"""Pairs are read from MIDB's files and from lines, bad rows are told, and nothing leaks across a division."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xalign.errors import UnknownNameError
from xalign.quality import PreferencePairs, QualityError, read_pairs
from xalign.quality.pairs import APART, hold_out, hold_out_pairs

MIDB = {
    "Raw Instruction": "Nenne drei Farbe.", "Raw Input": "", "Raw Response": "Rot", "Revised Instruction":
    "Nenne drei Farben.", "Revised Input": "schnell", "Revised Response": "Rot, Grün, Blau", "Distance": 12,
}  # fmt: skip
LINE = {"instruction": "Nenne zwei.", "better": "Rot, Blau", "worse": "Rot"}


@pytest.fixture
def folder(tmp_path):
    bad = MIDB | {"Raw Response": " "}
    equal = MIDB | {"Raw Response": MIDB["Revised Response"]}
    (tmp_path / "German.json").write_text(json.dumps([MIDB, equal, bad, MIDB]), encoding="utf-8")
    lines = [json.dumps(LINE), "", "{broken", json.dumps(LINE | {"language": "sw"}), json.dumps({"better": "x"}), "3"]
    (tmp_path / "swh_Latn.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_midb_and_lines_are_read_by_their_own_names(folder):
    found = read_pairs(folder, skip_bad=True)
    assert found.instructions == ("Nenne drei Farben.\nschnell",) * 2 + ("Nenne zwei.",) * 2
    assert found.better[0] == "Rot, Grün, Blau"
    assert found.worse == ("Rot",) * 4
    assert found.languages == ("deu_Latn", "deu_Latn", "swh_Latn", "swh_Latn")
    assert found.positions == (0, 3, 0, 3)
    assert found.n_equal == 1
    assert found.n_by_language == {"deu_Latn": 2, "swh_Latn": 2}
    assert read_pairs(folder / "German.json", skip_bad=True).n == read_pairs(folder, languages=["de"], skip_bad=True).n


def test_pairs_for_preference_optimisation_are_read_by_their_own_names(tmp_path):
    path = tmp_path / "deu_Latn.jsonl"
    path.write_text('{"prompt": "Nenne eine Farbe.", "chosen": "Rot.", "rejected": "Hund."}\n', encoding="utf-8")
    found = read_pairs(path)
    assert (found.instructions, found.better, found.worse) == (("Nenne eine Farbe.",), ("Rot.",), ("Hund.",))


def test_bad_rows_are_told_with_file_and_place_and_refused_unless_skipped(folder):
    faults = read_pairs(folder, skip_bad=True).skipped
    assert [fault.split(": ")[0] for fault in faults] == [
        "German.json, row 3", "swh_Latn.jsonl, line 3", "swh_Latn.jsonl, line 5", "swh_Latn.jsonl, line 6",
    ]  # fmt: skip
    assert faults[0].endswith("'Raw Response' must be text that is not blank")
    assert faults[2].endswith("'instruction' is missing")
    with pytest.raises(QualityError, match=r"4 rows cannot be used: German.json, row 3: .*--skip-bad"):
        read_pairs(folder)


def test_what_is_no_file_of_pairs_is_refused(tmp_path):
    with pytest.raises(QualityError, match="does not exist"):
        read_pairs(tmp_path / "nothing.jsonl")
    with pytest.raises(QualityError, match=r"must hold .json or .jsonl files"):
        read_pairs(tmp_path)
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(QualityError, match="must hold a list of objects, got dict"):
        read_pairs(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("[")
    with pytest.raises(QualityError, match="cannot be read"):
        read_pairs(tmp_path / "a.json")
    (tmp_path / "a.jsonl").write_text("")
    with pytest.raises(QualityError, match="no pairs found"):
        read_pairs(tmp_path / "a.jsonl")
    with pytest.raises(UnknownNameError):
        read_pairs(tmp_path / "a.jsonl", languages=["Swahilli-ish"])


SPOKEN = ("eng_Latn", "deu_Latn", "swh_Latn")
NAMELESS = json.dumps(LINE)
BROKEN = ("{broken", "", "3", NAMELESS, '{"better": "x"}', '{"language": "Klingon-ish"}')


def write_parallel(folder, layout, broken=(), n=100, seed=0):
    """Rows that translate one another, some of them lost, as a file for each language or as files of all."""
    rng = np.random.default_rng(seed)
    lines = {
        name: [json.dumps(LINE | {"instruction": f"question {i}", "language": name}) for i in range(n)]
        for name in SPOKEN
    }
    for name, place in broken:
        lines[name][place] = BROKEN[rng.integers(len(BROKEN))]
    mixed = [line for name in SPOKEN for line in lines[name]]
    if layout == "alternating":
        mixed = [lines[name][i] for i in range(n) for name in SPOKEN]
    if layout == "at random":
        order = rng.permutation(np.repeat(SPOKEN, n))
        left = {name: iter(own) for name, own in lines.items()}
        mixed = [next(left[name]) for name in order]
    if layout == "a file each":
        files = {f"{name}.jsonl": own for name, own in lines.items()}
    elif layout == "parts":
        files = {"part-0.jsonl": mixed[: n + n // 2], "part-1.jsonl": mixed[n + n // 2 :]}
    else:
        files = {"pairs.jsonl": mixed}
    for name, own in files.items():
        (folder / name).write_text("\n".join(own), encoding="utf-8")
    return folder


LAYOUTS = ("a file each", "one after the other", "alternating", "at random", "parts")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("language", SPOKEN)
def test_positions_and_the_division_are_the_same_however_parallel_data_is_laid_out(tmp_path, layout, language):
    found = read_pairs(write_parallel(tmp_path, layout))
    assert all(text == f"question {place}" for text, place in zip(found.instructions, found.positions, strict=True))
    train, test = hold_out(found, [language])
    assert (train.n, test.n) == (140, 25)
    assert not set(train.instructions) & set(test.instructions)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(LAYOUTS),
    st.sampled_from(SPOKEN),
    st.sets(st.tuples(st.sampled_from(SPOKEN), st.integers(0, 99)), max_size=40),
    st.integers(0, 99),
)
def test_lost_rows_bring_no_translation_of_a_test_into_training(layout, language, broken, seed):
    with tempfile.TemporaryDirectory() as folder:
        found = read_pairs(write_parallel(Path(folder), layout, broken, seed=seed), skip_bad=True)
    train, test = hold_out(found, [language])
    assert set(train.instructions) & set(test.instructions) <= {LINE["instruction"]}
    for pairs in (train, test):
        assert "" not in pairs.languages
        told = zip(pairs.instructions, pairs.positions, strict=True)
        behind = [int(text.split()[1]) - at for text, at in told if text.startswith("question")]
        assert min(behind) >= 0
        assert max(behind) <= found.n_unplaced


@pytest.mark.parametrize("lost", [*BROKEN, '{"language": "deu_Latn", "better'])
def test_twenty_lost_rows_bring_nothing_of_a_file_of_one_language_on_both_sides(tmp_path, lost):
    write_parallel(tmp_path, "a file each", n=200)
    own = (tmp_path / "deu_Latn.jsonl").read_text().split("\n")
    (tmp_path / "deu_Latn.jsonl").write_text("\n".join([lost] * 20 + own[20:]))
    found = read_pairs(tmp_path, skip_bad=True)
    last = found.positions[found.instructions.index("question 199")]
    assert (last, found.n_unplaced) == ((179, 20) if "Klingon" in lost else (199, 0))
    train, test = hold_out(found, ["swh_Latn"])
    assert test.n == 55
    assert train.n == 2 * 140 - 20 - found.n_unplaced + 20 * (lost == NAMELESS)
    assert not set(train.instructions) & set(test.instructions)


def test_a_broken_line_counts_for_the_language_that_it_still_names_and_else_is_told_to_be_unplaced(tmp_path):
    write_parallel(tmp_path, "one after the other", n=50)
    own = (tmp_path / "pairs.jsonl").read_text().split("\n")
    own[60] = own[60][:-1]
    (tmp_path / "pairs.jsonl").write_text("\n".join(own))
    found = read_pairs(tmp_path, skip_bad=True)
    assert (found.n_unplaced, found.positions[60]) == (0, 11)
    own[60] = "{"
    (tmp_path / "pairs.jsonl").write_text("\n".join(own))
    found = read_pairs(tmp_path, skip_bad=True)
    assert (found.n_unplaced, found.positions[60]) == (1, 10)
    assert max(hold_out(found, ["swh_Latn"])[0].positions) == 0.7 * 50 - 2
    own[60:140] = ["{"] * 80
    (tmp_path / "pairs.jsonl").write_text("\n".join(own))
    with pytest.raises(QualityError, match="or mend the 80 lines whose language cannot be known"):
        hold_out(read_pairs(tmp_path, skip_bad=True), ["swh_Latn"], share=0.01)


def parallel(n, languages):
    rows = [(f"{name} {i}", "b", "w", name, i) for name in languages for i in range(n)]
    return PreferencePairs(*map(tuple, zip(*rows, strict=True)))


@settings(max_examples=30, deadline=None)
@given(st.integers(40, 90), st.floats(0.2, 0.8), st.sets(st.sampled_from("abcd"), min_size=1, max_size=3))
def test_no_language_and_no_instruction_is_on_both_sides(n, share, languages):
    train, test = hold_out(parallel(n, "abcd"), languages, share=share)
    assert set(test.languages) == languages
    assert not set(train.languages) & languages
    assert min(test.positions) - max(train.positions) > APART
    assert abs(max(train.positions) + 1 - (1 - share) * n) <= 1


def test_a_division_that_cannot_be_made_is_told():
    pairs = parallel(20, "ab")
    with pytest.raises(QualityError, match="must have pairs, got 'c'; there are a, b"):
        hold_out(pairs, ["c"])
    with pytest.raises(QualityError, match="leaves nothing to train on"):
        hold_out(pairs, ["a", "b"])
    with pytest.raises(QualityError, match="leaves nothing to test on"):
        hold_out(pairs, ["a"], share=0.1)
    with pytest.raises(QualityError, match="share must be between 0 and 1, got 1"):
        hold_out(pairs, ["a"], share=1.0)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(40, 90),
    st.floats(0.05, 0.4),
    st.sampled_from(["a", "ab", "abcd"]),
    st.integers(0, 3),
    st.integers(0, 5),
)
def test_pairs_held_out_are_of_the_same_languages_and_near_none_that_is_trained_on(n, share, languages, lost, seed):
    pairs = replace(parallel(n, languages), n_unplaced=lost)
    train, test = hold_out_pairs(pairs, share=share, seed=seed)
    assert set(train.languages) == set(test.languages) == set(languages)
    assert test.n == len(languages) * round(share * n)
    assert not set(train.positions) & set(test.positions)
    if len(languages) > 1:
        apart = min(abs(one - other) for one in set(train.positions) for other in set(test.positions))
        assert apart == APART + lost + 1
    else:
        assert train.n + test.n == pairs.n
    assert (train, test) == hold_out_pairs(pairs, share=share, seed=seed)


def test_an_instruction_that_stands_twice_is_on_one_side_and_too_few_pairs_are_told():
    pairs = replace(parallel(40, "a"), instructions=("x", "y") * 20)
    with pytest.raises(
        QualityError, match=r"leaves nothing to train on; give more pairs, or train on all \(--hold-out"
    ):
        hold_out_pairs(pairs, share=0.5)
    pairs = replace(pairs, instructions=tuple(f"{place // 2}" for place in range(40)))
    train, test = hold_out_pairs(pairs, share=0.2)
    assert not set(train.instructions) & set(test.instructions)
    assert (test.n, train.n < 32) == (8, True)
    assert {hold_out_pairs(parallel(40, "a"), seed=seed)[1].positions for seed in range(9)} != {test.positions}
    with pytest.raises(QualityError, match="leaves nothing to train on"):
        hold_out_pairs(parallel(6, "ab"))
    with pytest.raises(QualityError, match="share must be between 0 and 1, got 1"):
        hold_out_pairs(pairs, share=1.0)


def test_a_sample_is_a_part_in_order_and_the_seed_decides_it():
    pairs = parallel(30, "ab")
    drawn = pairs.sample(20, seed=4)
    places = [pairs.instructions.index(text) for text in drawn.instructions]
    assert places == sorted(set(places))
    assert drawn == pairs.sample(20, seed=4) != pairs.sample(20, seed=5)
    assert pairs.sample(100) == pairs
    assert drawn.fingerprint != pairs.fingerprint


def test_the_real_pairs_have_their_known_size_and_their_one_row_with_translated_names(real_data):
    folder = real_data / "instructions" / "midb_train"
    if not folder.is_dir():
        pytest.skip(f"no pairs at {folder}")
    with pytest.raises(QualityError, match=r"Italian.json, row \d+: 'instruction' is missing"):
        read_pairs(folder, languages=["Italian"])
    found = read_pairs(folder, skip_bad=True)
    assert len(found.n_by_language) == 13
    assert all(2250 < n < 2301 for n in found.n_by_language.values())
    assert found.n_equal > 200
    longer = sum(len(b) > len(w) for b, w in zip(found.better, found.worse, strict=True))
    assert 0.8 < longer / found.n < 0.9
