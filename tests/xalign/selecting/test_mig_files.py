"""Pools in the form of MIG's authors: what is read, what is dropped, what is refused."""

import json

import numpy as np
import pytest

from selection.data.information import information_gain_select
from xalign.errors import CorpusError
from xalign.selecting.mig_files import read_mig_pool


def row(tags, quality, complexity, **more):
    """A row as the authors' example has it, fields that are not read included."""
    return {
        "dialogs": [{"role": "user", "content": "Wie spät ist es?"}, {"role": "assistant", "content": "Drei."}],
        "source": ["ai2-adapt-dev/personahub"],
        "ifd_score": {"version": 100, "content": 0.84},
        "annotation": {
            "instag": {"content": tags, "versions": [100] * len(tags)},
            "dialog_round": len(quality),
            "deita": {"quality_scores": quality, "complexity_scores": complexity},
        },
    } | more


def write(path, lines):
    text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    path.write_text(text + "\n", encoding="utf-8")
    return path


@pytest.fixture
def pool(tmp_path):
    rows = [row(["number theory", "proof"], [4.0, 2.0], [3.0, 1.0]), row(["proof", "proof", "chess"], [1.5], [2.0])]
    return write(tmp_path / "pool.jsonl", rows)


def test_quality_is_the_mean_over_rounds_of_quality_times_complexity(pool):
    found = read_mig_pool(pool)
    assert found.quality.tolist() == [(4 * 3 + 2 * 1) / 2, 3.0]
    assert found.tags.labels == ("chess", "number theory", "proof")
    assert found.tags.matrix.toarray().tolist() == [[0, 1, 1], [1, 0, 1]]
    assert found.dialogs[0][0] == {"role": "user", "content": "Wie spät ist es?"}
    assert found.lines.tolist() == [1, 2]


def test_tags_outside_the_authors_list_are_dropped_and_counted(pool, tmp_path):
    listed = write(tmp_path / "valid_tag_path.json", [json.dumps(["proof", "cooking", "proof"])])
    found = read_mig_pool(pool, labels=listed)
    assert found.tags.labels == ("proof", "cooking")
    assert found.tags.matrix.toarray().tolist() == [[1, 0], [1, 0]]
    assert found.tags.n_dropped == 2
    assert read_mig_pool(pool, labels=["chess"]).tags.matrix.toarray().tolist() == [[0], [1]]


def test_what_was_read_can_be_chosen_from(pool):
    found = read_mig_pool(pool)
    choice = information_gain_select(found.tags.matrix, found.quality, 1)
    assert choice.indices.tolist() == [0]
    assert choice.information == pytest.approx(2 * 7**0.8)
    assert choice.totals.tolist() == [[0.0, 7.0, 7.0]]


BAD = [
    ('{"dialogs": [', "JSON was expected, got Expecting value"),
    (row([], [1.0], [1.0], annotation=None), "annotation.instag.content must be a list, got None"),
    (row([3], [1.0], [1.0]), r"annotation.instag.content must be a list of texts, got \[3\]"),
    (row(["a"], [], []), "annotation.deita.quality_scores must have a number for each round, got none"),
    (row(["a"], [1.0, 2.0], [1.0]), "as many quality_scores as complexity_scores, got 2 and 1"),
    (row(["a"], [float("nan")], [1.0]), "annotation.deita.quality_scores must hold finite numbers, got nan"),
    (row(["a"], [1.0], ["high"]), "annotation.deita.complexity_scores must hold finite numbers, got 'high'"),
    (row(["a"], [1.0], [1.0], dialogs="text"), "dialogs must be a list, got 'text'"),
]


@pytest.mark.parametrize(("line", "message"), BAD)
def test_a_bad_line_is_told_with_file_and_line_and_skipped_only_when_asked(tmp_path, line, message):
    path = write(tmp_path / "pool.jsonl", [row(["a"], [1.0], [2.0]), "", line])
    with pytest.raises(CorpusError, match=f"pool.jsonl, line 3: .*{message}"):
        read_mig_pool(path)
    found = read_mig_pool(path, skip_bad=True)
    np.testing.assert_array_equal(found.quality, [2.0])
    assert [fault.line for fault in found.faults] == [3]


def test_files_that_hold_nothing_to_read_are_refused(tmp_path, pool):
    with pytest.raises(CorpusError, match="rows with dialogs, tags and scores were expected, got none"):
        read_mig_pool(write(tmp_path / "empty.jsonl", [""]))
    with pytest.raises(CorpusError, match="a file that can be read was expected"):
        read_mig_pool(tmp_path / "absent.jsonl")
    with pytest.raises(CorpusError, match="a JSON list of tags was expected"):
        read_mig_pool(pool, labels=write(tmp_path / "tags.json", ['{"a": 1}']))
    with pytest.raises(CorpusError, match=r"tags\.json, line 1: a JSON list of tags was expected"):
        read_mig_pool(pool, labels=write(tmp_path / "tags.json", ["["]))
