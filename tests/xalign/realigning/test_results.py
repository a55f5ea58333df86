"""A result's folder, page, pictures and words, made of scores that are known."""

import base64
import json
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from xalign.errors import UnknownNameError, XalignError
from xalign.figures.realignments import draw_panels, draw_realignment, plot_gains, plot_group, plot_training
from xalign.realigning.folders import is_realignment, report_folder
from xalign.realigning.movement import measure_movement, tabulate_changes
from xalign.realigning.page import language_table, movement_table, render_page, topic_table
from xalign.realigning.results import Realignment
from xalign.realigning.topics import ACCURACY_COLUMNS, TOPIC_COLUMNS
from xalign.realigning.wording import describe_training, headline_of, signed, task_of, title_of
from xalign.report import ProbeReport

GAIN = {"chosen": 0.2, "other": 0.05, "unseen": -0.01}


@pytest.fixture(autouse=True)
def reports_without_pictures(monkeypatch):
    """Those of the two reports have tests of their own."""
    monkeypatch.setattr("xalign.report_files.draw_pictures", lambda *_, **__: ())


@pytest.fixture
def make(report_table, confound_table, tmp_path):
    """Make a result in which every language of a group gains the same at layer 4, and nothing elsewhere."""

    def made(n_chosen=7, n_unseen=2, topics=True, gain=1.0, **changes) -> Realignment:
        table = report_table(n_layers=5, probes=("cka", "retrieval"))
        languages = list(table["target"].unique())
        names = ["chosen"] * n_chosen + ["unseen"] * n_unseen
        groups = dict(zip(languages, names + ["other"] * (len(languages) - len(names)), strict=True))
        gain = gain * table["target"].map(groups).map(GAIN).where(table["layer"] == 4, 0.0)
        facts = {"model": {"name": "m"}, "corpus": {"name": "text"}}
        before, after = (
            ProbeReport(scores, pd.DataFrame(columns=["probe", "layer"]), confound_table, facts)
            for scores in (table, table.assign(score=table["score"] + gain))
        )
        changes_ = tabulate_changes(before.table, after.table, groups)
        task = [
            ("pivot", 2, 3, 0.8, 0.7, -0.1, -0.16, -0.04, 0.25, 200, 1),
            ("chosen", 2, 3, 0.5, 0.6, 0.1, 0.02, 0.18, 0.25, 200, n_chosen),
        ]
        accuracy = [
            (side, layer, language, groups.get(language, "pivot"), 0.5 + 0.1 * (side == "after"))
            for side, layer in (("before", 2), ("after", 3))
            for language in ["eng_Latn", *languages]
        ]
        return Realignment(
            folder=tmp_path / "realigned",
            before=before,
            after=after,
            moved=measure_movement(changes_),
            changes=changes_,
            topics=pd.DataFrame(task if topics else [], columns=TOPIC_COLUMNS),
            accuracy=pd.DataFrame(accuracy if topics else [], columns=ACCURACY_COLUMNS),
            run=facts_of(groups) | changes,
            warnings=("beware of <this>",),
        )

    return made


def facts_of(groups: dict[str, str]) -> dict[str, object]:
    by = {name: [language for language, group in groups.items() if group == name] for name in GAIN}
    settings = {"loss": "strong", "steps": 1200, "batch_size": 8, "accumulation": 2, "learning_rate": 1e-5}
    log = [
        {"step": step, "loss": 1.0, "retrieval": value, "by_language": dict.fromkeys(by["chosen"], value)}
        for step, value in ((0, 0.2), (600, 0.5), (1200, 0.4))
    ]
    return {
        "headline": {"probe": "retrieval", "layer": 4},
        "pivot": "eng_Latn",
        "languages": by["chosen"],
        "candidates": sorted(by["chosen"] + by["other"]),
        "other": by["other"],
        "unseen": by["unseen"],
        "groups": "2 of the corpus named as unseen",
        "choice": {"k": 1, "reasons": {by["chosen"][0]: "it lacks most"}} if by["chosen"] else None,
        "before": {},
        "after": {},
        "settings": settings | {"anchor": 0.5, "freeze": "lower", "lora_rank": 4, "aligned_layers": [2, 4]},
        "training": {"best_step": 600, "pairs": {"deu_Latn": 900, "swh_Latn": 100}, "log": log},
        "division": "realigned on 70 sentences, watched on 10, measured on 20 others (the corpus' own splits)",
        "tests": "intervals resample languages",
        "task": "a topic probe is trained",
        "model": {"name": "/models/mini"},
        "versions": {"python": "3"},
    }


def rows_of(table) -> list[dict[str, str]]:
    return [dict(zip((column.title for column in table.columns), row, strict=True)) for row in table.rows]


def test_a_saved_result_loads_as_it_was_and_the_record_comes_last(make):
    result = make()
    folder = result.folder
    assert not is_realignment(folder)
    for side in ("before", "after"):
        getattr(result, side).save(folder / side)
    assert result.save() == folder
    assert is_realignment(folder)
    assert report_folder(folder) == folder / "after"
    loaded = Realignment.load(folder)
    for name in ("moved", "changes", "topics", "accuracy"):
        pd.testing.assert_frame_equal(getattr(loaded, name), getattr(result, name))
    assert loaded.run == json.loads(json.dumps(result.run))
    assert (loaded.layer, loaded.probe, loaded.pivot) == (4, "retrieval", "eng_Latn")
    assert loaded.warnings == result.warnings
    times = {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.is_file()}
    assert max(times, key=times.get) == "realign.json"
    assert "report.html" in times
    assert not any(path.suffix in (".pkl", ".pickle", ".pt") for path in folder.rglob("*"))


def test_the_page_is_drawn_anew_from_what_is_saved(make):
    result = make()
    result.save(result.folder / "copy")
    loaded = Realignment.load(result.folder / "copy")
    page = loaded.folder / "report.html"
    first = page.read_text()
    page.unlink()
    assert loaded.save_page() == page
    assert page.read_text() == first


def test_a_folder_that_is_none_or_is_damaged_is_refused(make, tmp_path):
    with pytest.raises(XalignError, match=r"lacks realign\.json, moved\.parquet"):
        Realignment.load(tmp_path)
    result = make()
    result.save(tmp_path / "copy")
    (tmp_path / "copy" / "realign.json").write_text("{")
    with pytest.raises(XalignError, match="is damaged"):
        Realignment.load(tmp_path / "copy")


def test_a_copy_is_not_written_among_files_of_somebody_elses(make, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    with pytest.raises(XalignError, match=r"which holds mine\.txt"):
        make().save(tmp_path / "notes")
    assert len(list((tmp_path / "notes").iterdir())) == 1
    for _ in range(2):
        make().save(tmp_path / "copy")


def test_a_realignment_or_a_choice_is_no_report_of_probes_and_that_is_said(make, tmp_path):
    folder = make().save(tmp_path / "copy")
    with pytest.raises(XalignError) as told:
        ProbeReport.load(folder)
    assert str(told.value) == (
        f"{folder} is not a report of probes: it is a realignment; its reports are {folder / 'before'} and "
        f"{folder / 'after'}"
    )
    (tmp_path / "chosen.json").write_text("{}")
    with pytest.raises(XalignError, match="it is a choice of languages, which other commands take as --languages @"):
        ProbeReport.load(tmp_path)


def test_a_place_that_cannot_be_written_is_told(make, tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(XalignError, match="cannot write the"):
        make().save(tmp_path / "file")


def test_the_headline_says_what_moved_in_which_languages_and_what_the_pivot_paid(make):
    text = headline_of(make()).replace("\u00a0", " ")
    mean = make().moved.set_index(["layer", "probe", "group"])["before"]
    start = mean[(4, "retrieval", "chosen")]
    assert text.startswith(
        f"Retrieval P@1 with English at layer 4 went in the 7 chosen languages from {start:.3f} to {start + 0.2:.3f} "
        "(+0.200, 95 % +0.200 to +0.200), in the 14 others from "
    )
    assert "and in the 2 unseen from" in text
    assert text.endswith("English's own topic accuracy fell: 0.800 to 0.700 (−0.100, 95 % −0.160 to −0.040).")
    assert title_of(make(n_chosen=2)).startswith("mini, realigned on ")
    assert title_of(make()) == "mini, realigned on 7 languages"


@pytest.mark.parametrize(("low", "high", "words"), [(-0.1, -0.01, "fell"), (0.01, 0.1, "rose"), (-0.1, 0.1, "did not")])
def test_the_pivots_task_is_said_to_move_only_where_its_interval_leaves_out_0(make, low, high, words):
    result = make()
    result.topics.loc[0, ["ci_low", "ci_high"]] = low, high
    assert words in task_of(result)
    assert "not known: a topic probe is trained" in task_of(make(topics=False))


def learnt_nothing(make, **changes) -> Realignment:
    """The same, where step 0 was kept: nothing gained, all tests without meaning."""
    result = make(gain=0.0, **changes)
    log = [{"step": step, "retrieval": value, "by_language": {}} for step, value in ((0, 0.5), (600, 0.3), (1200, 0.4))]
    result.run["training"] |= {"best_step": 0, "log": log}
    result.topics[["ci_low", "ci_high"]] = 0.0
    return result


def test_where_nothing_was_learnt_that_is_said_first_and_without_intervals_of_zeros(make):
    result = learnt_nothing(make)
    assert title_of(result) == (
        "Nothing was learnt: the starting model was kept, as no step was better on the watched sentences"
    )
    text = headline_of(result)
    assert text.startswith(
        "mini was to be realigned on 7 languages; P@1 of the watched sentences was 0.500 at the start, at best 0.400 "
        "later. Retrieval P@1 with English at layer 4 stays at 0."
    )
    assert text.endswith("English's own topic accuracy stays at 0.800.")
    assert "not known" in headline_of(learnt_nothing(make, topics=False))
    page = render_page(result)
    assert "<h1>Nothing was learnt: the starting model was kept, as no step was better" in page
    for words in (" to 0.000", "95 %\u00a0", "95 % 0", "95 % +", "; p ", "(1.000 corrected)"):
        assert words not in page[page.index("<h1>") : page.index("How to read")], words


def test_the_training_is_told_in_words(make):
    assert describe_training(make()) == (
        "strong loss at layers 2 and 4, 1,200 steps of 16 of 1,000 sentence pairs, learning rate 1e-05, anchor 0.5, "
        "lower half frozen, low-rank updates of rank 4; kept: step 600"
    )


def test_no_change_has_no_sign():
    assert [signed(value) for value in (0.0, -0.0, 4e-4, 0.0004999, -0.2, 0.2)] == [
        "0.000", "0.000", "0.000", "0.000", "−0.200", "+0.200",
    ]  # fmt: skip


def test_the_table_of_what_moved_has_the_numbers_of_the_frame(make):
    result = make()
    rows = rows_of(movement_table(result.moved, layer=4))
    assert [(row["probe"], row["group"]) for row in rows][:3] == [("CKA", name) for name in GAIN]
    assert [row["change"].split("\t")[0] for row in rows] == ["+0.200", "+0.050", "−0.010"] * 2
    assert [row["p"] for row in rows][:3] == ["0.016", "< 0.001", "–"]
    assert [row["languages"] for row in rows][:3] == ["7", "14", "2"]
    assert len(movement_table(result.moved).rows) == len(result.moved)


def test_the_table_of_languages_has_each_ones_change_chosen_first(make):
    rows = rows_of(language_table(make()))
    assert [row["group"] for row in rows] == ["chosen"] * 7 + ["other"] * 14 + ["unseen"] * 2
    assert rows[0]["Retrieval P@1, change"].startswith("+0.200\t0.")
    assert rows[0]["Topics, change"] == "+0.100\t0.500 → 0.600"
    assert "Topics, change" not in rows_of(language_table(make(topics=False)))[0]


def test_the_table_of_topics_tells_each_models_layer(make):
    first = rows_of(topic_table(make().topics))[0]
    assert (first["before"], first["after"]) == ("0.800\tlayer 2", "0.700\tlayer 3")
    assert first["change"] == "−0.100\t−0.160 to −0.040"


def test_the_page_loads_nothing_escapes_all_and_shows_every_part(make):
    result = make()
    pictures = draw_realignment(result)
    page = render_page(result, pictures)
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=\"(?!data:image/png;base64,|#)", page)
    assert "beware of &lt;this&gt;" in page
    assert page.count("data:image/png;base64,") == len(pictures) == 5
    assert base64.b64encode(pictures[0].png).decode() in page
    for words in ("Chosen: 7 languages", "Other: 14 languages", "Unseen: 2 languages", "own topics", "it lacks most"):
        assert words in page.replace("&#39;", "'")
    assert page == render_page(result, pictures)


def test_a_page_without_topics_choice_or_pictures_leaves_these_out(make):
    page = render_page(make(topics=False, choice=None))
    for words in ("own topics", "Why these languages", "<img"):
        assert words not in page


def test_a_panel_draws_both_sides_and_the_interval_of_the_change_around_after(make):
    changes = make().changes
    axes = plot_group(changes, "cka", "chosen", layer=4, ax=Figure().subplots())
    lines = {line.get_label(): np.asarray(line.get_ydata(), float) for line in axes.lines}
    mine = changes[(changes["probe"] == "cka") & (changes["group"] == "chosen")].groupby("layer")
    assert lines["before"] == pytest.approx(mine["before"].mean().to_numpy())
    assert lines["after"] == pytest.approx(mine["after"].mean().to_numpy())
    (band,) = axes.collections
    at_last = band.get_paths()[0].vertices
    assert at_last[at_last[:, 0] == 4][:, 1] == pytest.approx(lines["after"][-1])
    assert axes.get_title("left") == "Chosen: 7 languages"
    with pytest.raises(ValueError, match="group must be one of chosen, unseen, other, got 'all'"):
        plot_group(changes, "cka", "all", ax=Figure().subplots())


def test_panels_share_their_scale_and_leave_out_groups_without_languages(make):
    result = make(n_unseen=0)
    panels = draw_panels(result.changes, "cka", ax=Figure().subplots())
    assert [panel.get_title("left").split(":")[0] for panel in panels] == ["Chosen", "Other"]
    assert panels[0].get_ylim() == panels[1].get_ylim()
    with pytest.raises(UnknownNameError, match="'anc'"):
        result.plot("anc", ax=Figure().subplots())


def test_languages_stand_group_by_group_with_the_greatest_gain_first(make):
    result = make()
    rng = np.random.default_rng(0)
    changes = result.changes.assign(change=rng.normal(size=len(result.changes)))
    axes = plot_gains(changes, "retrieval", layer=4, ax=Figure().subplots())
    here = changes[(changes["probe"] == "retrieval") & (changes["layer"] == 4)]
    expected = pd.concat([here[here["group"] == name].sort_values("change", ascending=False) for name in GAIN])
    written = [text.get_text() for text in axes.texts if re.fullmatch(r"[+−]\d\.\d{3}", text.get_text())]
    assert written == [f"{change:+.3f}".replace("-", "−") for change in expected["change"]]
    hollow, filled = axes.collections[1:3]
    assert np.asarray(hollow.get_offsets())[:, 0] == pytest.approx(expected["before"].to_numpy())
    assert np.asarray(filled.get_offsets())[:, 0] == pytest.approx(expected["after"].to_numpy())
    with pytest.raises(UnknownNameError, match="layer must be one of"):
        result.plot_languages(layer=9, ax=Figure().subplots())


def test_the_step_that_was_kept_wears_a_ring(make):
    training = make().run["training"]
    axes = plot_training(training["log"], best_step=600, ax=Figure().subplots())
    (ring,) = [line for line in axes.lines if line.get_markersize() == 12]
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (600, 0.5)
