"""What a selection is: rows in the pool's format and order, reasons, tables that come back, a page of its own."""

import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from xalign.errors import SettingError, XalignError
from xalign.selecting import DataSelection
from xalign.selecting.results.page import _cards

pytestmark = pytest.mark.usefixtures("quick_model")


@pytest.fixture
def selection(pool, target, select, tmp_path):
    """Twelve of 48 rows, beside three methods, saved."""
    return select(
        pool, target, method="round_robin", compare="longest,random,mig,k_centre", tags="labels", quotas="equal",
        quality="column:score", out=tmp_path / "out",
    )  # fmt: skip


def test_the_chosen_rows_stand_in_the_pools_order_with_all_their_fields(selection, rows):
    found = [json.loads(line) for line in selection.path.read_text(encoding="utf-8").splitlines()]
    order = {row["id"]: place for place, row in enumerate(rows)}
    assert [order[row["id"]] for row in found] == sorted(selection.indices.tolist())
    told = selection.rows.set_index("id")
    for row in found:
        source = rows[order[row["id"]]]
        assert {name: row[name] for name in source} == source
        one = told.loc[row["id"]]
        assert (row["xalign_rank"], row["xalign_language"]) == (one["rank"], source["language"])
        assert row["xalign_score"] == one["score"]
        assert row["xalign_reason"] == one["reason"]


def test_rows_come_in_the_order_of_choice_with_place_and_reason(selection, pool, rows):
    frame = selection.rows
    assert frame["rank"].tolist() == list(range(1, 13))
    assert frame["file"].unique().tolist() == [str(pool)]
    assert frame["line"].tolist() == [row + 1 for row in frame["row"]]
    assert frame["quality"].tolist() == [rows[row]["score"] for row in frame["row"]]
    assert frame["length"].tolist() == [len(rows[row]["text"]) for row in frame["row"]]
    assert re.fullmatch(
        r"round_robin 1 of 12; cosine to its target \S+; quality \S+; nearest target target\.jsonl:\d+ "
        r"\(cosine 1\.00\)",
        frame["reason"][0],
    )


def test_saved_and_loaded_a_selection_is_the_same(selection):
    again = DataSelection.load(selection.folder)
    for name in ("rows", "table", "shares", "curve", "points", "skipped"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(selection, name), check_dtype=False)
    assert again.warnings == selection.warnings
    assert again.ids == selection.ids
    assert again.path.read_bytes() == selection.path.read_bytes()
    assert repr(again) == repr(selection) == "DataSelection(12 of 48 rows by round_robin)"


def test_a_loaded_selection_can_be_saved_elsewhere_whole(selection, tmp_path):
    DataSelection.load(selection.folder).save(tmp_path / "copy")
    for name in ("chosen.jsonl", "rows.parquet", "table.csv", "plane.png", "selection.json"):
        assert (tmp_path / "copy" / name).read_bytes() == (selection.folder / name).read_bytes()


def test_quotas_are_kept_by_every_arm_that_can(selection):
    shares = selection.shares.set_index("language")
    for arm in ("round_robin", "longest", "random", "mig", "k_centre"):
        assert shares[arm].tolist() == [0.25] * 4
    assert selection.languages == dict.fromkeys(("deu_Latn", "eng_Latn", "swh_Latn", "tam_Taml"), 3)


def test_points_are_samples_of_pool_chosen_and_target_on_principal_axes(selection):
    counts = selection.points["kind"].value_counts()
    assert counts.to_dict() == {"pool": 48, "chosen": 12, "target": 12}
    both = selection.points[selection.points["kind"] != "chosen"][["x", "y"]].to_numpy()
    assert both.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert both[:, 0].var() >= both[:, 1].var()
    assert abs(both[:, 0] @ both[:, 1]) < 1e-4


def test_the_page_loads_nothing_and_says_what_the_table_says(selection):
    page = (selection.folder / "report.html").read_text(encoding="utf-8")
    assert "12 of 48 rows, chosen by round_robin" in page
    assert "http://" not in page
    assert "https://" not in page
    row = selection.table.set_index("arm").loc["round_robin"]
    assert f"{row['cost']:.4f}" in page
    assert page.count("<figure") == 4
    for words in ("Coverage of the target", "near-duplicates", "Swahili", "nearest target", "better than"):
        assert words.lower() in page.lower()


def test_what_all_draws_have_too_is_told_as_a_tie(selection, pool, select):
    page = (selection.folder / "report.html").read_text(encoding="utf-8")
    random = selection.headline[1]
    assert (random["duplicates_sd"], random["cost_sd"] > 0) == (0, True)
    assert page.count("ties with all 3 draws") == 1
    assert "better than 50 % of 3 draws" not in page
    every = select(pool, method="longest", budget=48)
    assert not any(every.table[f"{name}_sd"].iloc[-1] > 1e-9 for name in ("cost", "coverage", "duplicates"))
    assert [card.note for card in _cards(every)] == ["ties with all 3 draws"] * 4


def test_the_legend_of_languages_lies_on_nothing_that_is_drawn(selection, pool, select):
    for found in (selection, select(pool, "lang:sw", method="random", budget=47)):
        ax = found.plot_shares()
        plt.close(ax.figure)
        ax.figure.canvas.draw()
        legend, inside = ax.get_legend().get_window_extent(), ax.get_window_extent()
        assert legend.y0 >= inside.y1 - 1
        assert legend.x0 > ax._left_title.get_window_extent().x1
        assert legend.x1 <= ax.figure.bbox.x1


def test_text_of_the_data_cannot_become_part_of_the_page(write_jsonl, rows, select, tmp_path):
    evil = [row | {"id": f"<script>alert({place})</script>"} for place, row in enumerate(rows)]
    found = select(write_jsonl(tmp_path / "a.jsonl", evil), method="longest", out=tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert found.ids[0].startswith("<script>")


def test_a_selection_that_is_not_saved_has_no_path(pool, select):
    found = select(pool, method="random")
    with pytest.raises(XalignError, match=r"the selection is not saved; call save"):
        found.path
    assert found.folder is None


def test_a_folder_is_not_written_over(selection):
    with pytest.raises(SettingError, match=r"out must be a new or empty folder, got one with \d+ entries"):
        selection.save(selection.folder)


def test_an_empty_folder_may_be_filled(pool, select, tmp_path):
    (tmp_path / "out").mkdir()
    assert select(pool, method="random", out=tmp_path / "out").path.is_file()


@pytest.mark.parametrize("name", ["selection.json", "rows.parquet"])
def test_a_folder_that_lacks_a_file_is_no_selection(name, selection):
    (selection.folder / name).unlink()
    with pytest.raises(XalignError, match=rf"is not a saved selection: it lacks {name}"):
        DataSelection.load(selection.folder)


def test_a_damaged_record_is_told(selection):
    (selection.folder / "selection.json").write_text("{", encoding="utf-8")
    with pytest.raises(XalignError, match=r"is damaged: JSONDecodeError"):
        DataSelection.load(selection.folder)


@pytest.mark.parametrize("kind", ["csv", "parquet", "dataset", "json", "txt"])
def test_the_subset_is_of_the_pools_own_format(kind, rows, select, tmp_path):
    import datasets

    datasets.disable_progress_bars()
    plain = [{"text": row["text"], "language": row["language"]} for row in rows]
    path = tmp_path / f"pool.{kind}"
    if kind == "csv":
        pd.DataFrame(plain).to_csv(path, index=False)
    elif kind == "parquet":
        pd.DataFrame(plain).to_parquet(path)
    elif kind == "json":
        path.write_text(json.dumps(plain), encoding="utf-8")
    elif kind == "txt":
        path.write_text("\n".join(row["text"] for row in plain), encoding="utf-8")
    found = select(
        datasets.Dataset.from_list(plain) if kind == "dataset" else path,
        method="longest",
        budget=5,
        out=tmp_path / "out",
    )
    readers = {
        "csv": pd.read_csv, "parquet": pd.read_parquet, "json": pd.read_json,
        "txt": lambda file: pd.read_json(file, lines=True),
        "dataset": lambda folder: datasets.load_from_disk(str(folder)).to_pandas(),
    }  # fmt: skip
    frame = readers[kind](found.path)
    chosen = np.sort(np.argsort([-len(row["text"]) for row in rows], kind="stable")[:5])
    assert frame["text"].tolist() == [rows[row]["text"] for row in chosen]
    assert sorted(frame["xalign_rank"]) == [1, 2, 3, 4, 5]
