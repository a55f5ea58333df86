"""Pairs are read from MIDB's files and from lines, bad rows are told, and nothing leaks across a division."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xalign.errors import UnknownNameError
from xalign.quality import PreferencePairs, QualityError, read_pairs
from xalign.quality.pairs import APART, hold_out

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
    assert found.positions == (0, 3, 0, 1)
    assert found.n_equal == 1
    assert found.n_by_language == {"deu_Latn": 2, "swh_Latn": 2}
    assert read_pairs(folder / "German.json", skip_bad=True).n == read_pairs(folder, languages=["de"], skip_bad=True).n


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
