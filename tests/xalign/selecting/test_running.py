"""The whole pipeline: the same call gives the same choice, and neither shards, order nor place decide."""

import inspect
import json

import numpy as np
import pytest

from xalign.errors import SettingError
from xalign.selecting import select_data
from xalign.selecting.results.judging import MEASURES

pytestmark = pytest.mark.usefixtures("quick_model")


def test_the_same_call_gives_the_same_rows_measures_and_points(pool, target, select):
    one, other = (select(pool, target, method="transport", compare="tsds,uot", seed=3) for _ in range(2))
    for name in ("rows", "table", "shares", "curve", "points"):
        assert getattr(one, name).equals(getattr(other, name))


@pytest.mark.parametrize("method", ["transport", "round_robin", "facility_location", "longest", "mdaq"])
def test_shards_decide_nothing(method, pool, target, select):
    chosen = [select(pool, target, method=method, quality="column:score", shard_rows=rows).ids for rows in (5, 17, 100)]
    assert chosen[0] == chosen[1] == chosen[2]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("method", ["transport", "round_robin", "mdaq", "mig", "laser", "semdedup"])
def test_the_order_of_the_pool_decides_nothing(method, seed, rows, target, write_jsonl, select, tmp_path):
    rng = np.random.default_rng(seed)
    rows = [row | {"score": float(score)} for row, score in zip(rows, rng.permutation(48), strict=True)]
    paths = [
        write_jsonl(tmp_path / f"{place}.jsonl", [rows[row] for row in order])
        for place, order in enumerate((range(48), rng.permutation(48)))
    ]
    arguments = {"quality": "column:score", "options": {method: {"ratio": 1} if method == "mdaq" else {}}}
    one, other = (select(path, target, 24, method=method, **arguments).ids for path in paths)
    assert one == other


def test_a_budget_below_one_is_a_share_of_the_pool(pool, select):
    assert len(select(pool, method="random", budget=0.25).rows) == 12


def test_a_run_can_be_repeated_from_its_record(pool, target, select):
    asked = {"method": "laser", "compare": "random", "quality": {"sports": "length", "general": "column:score"}}
    asked |= {"category": "topic", "difficulty": "-length", "options": {"laser": {"percentile": 60}}, "seed": 3}
    found = select(pool, target, **asked)
    told = json.loads(json.dumps(found.run["arguments"]))
    assert {name: told[name] for name in asked} == asked
    assert set(inspect.signature(select_data).parameters) == set(told)
    again = select_data(**(told | {"out": None}))
    assert again.rows.equals(found.rows)
    assert again.table.equals(found.table)


def test_targets_of_all_languages_have_turns_where_the_budget_has_few(pool, target, select):
    found = select(pool, target, 4, method="round_robin", quotas=None)
    wanted = {"eng_Latn", "swh_Latn"}
    spoken = [place.split(":")[1] for place in found.rows["nearest_target"]]
    assert len(wanted) == 2
    assert {int(line) > 6 for line in spoken} == {True, False}
    assert any("round_robin: 12 targets have 4 turns, the others have none" in note for note in found.warnings)
    itself = select(pool, "lang:sw", 4, method="round_robin")
    assert any("each takes itself first" in note for note in itself.warnings)


def test_languages_as_a_target_are_the_pools_own_rows_in_them(rows, pool, select, tmp_path):
    named = select(pool, "lang:sw,ta", method="round_robin", budget=24)
    assert set(named.languages) == {"swh_Latn", "tam_Taml"}
    assert set(named.ids) == {row["id"] for row in rows if row["language"] in ("swh_Latn", "tam_Taml")}
    (tmp_path / "chosen.json").write_text(json.dumps({"languages": ["sw", "ta"]}), encoding="utf-8")
    assert select(pool, f"@{tmp_path / 'chosen.json'}", method="round_robin", budget=24).ids == named.ids


def test_without_a_target_the_pool_stands_for_itself(pool, select):
    found = select(pool, method="facility_location", compare="random")
    coverage = found.table.set_index("arm")["coverage"]
    assert coverage["facility_location"] > coverage["random draws"]
    assert any("of the pool itself" in warning for warning in found.warnings)
    assert not any("facility_location does better" in warning for warning in select(pool, method="transport").warnings)


@pytest.mark.parametrize(("method", "is_told"), [("transport", True), ("random", False)])
def test_a_sample_of_the_pool_as_a_target_is_told_for_what_it_is(method, is_told, pool, select, monkeypatch):
    monkeypatch.setattr("xalign.selecting.material.targets.MOST_OF_POOL", 7)
    told = "to stand in for all 24 of their languages, facility_location does better"
    found = select(pool, "lang:sw,ta", method=method)
    assert any(told in warning for warning in found.warnings) == is_told


def test_the_choice_lies_nearer_to_the_target_than_every_random_draw(pool, target, select):
    found = select(pool, target, method="transport", n_draws=20)
    assert found.table["cost_percentile"][0] == 0
    assert found.table["coverage_percentile"][0] == 100


def test_a_large_target_is_sampled_the_same_way_each_time(pool, select, monkeypatch):
    monkeypatch.setattr("xalign.selecting.material.targets.MOST_OF_POOL", 10)
    one, other = (select(pool, "lang:sw,ta,de,en", method="round_robin") for _ in range(2))
    assert one.run["target"]["rows"] == 10
    assert one.ids == other.ids


def test_methods_that_lack_what_they_need_are_left_out_of_a_comparison_with_a_note(pool, target, select):
    found = select(pool, target, method="random", compare="mdaq,longest", quotas="equal")
    assert found.table["arm"].tolist() == ["random", "longest", "random draws"]
    assert any(warning.startswith("mdaq is left out: method 'mdaq' ranks by a score") for warning in found.warnings)


def test_conversations_are_read_by_the_part_that_is_asked_for(rows, write_jsonl, select, tmp_path):
    spoken = [
        {"messages": [{"role": "user", "content": row["text"]}, {"role": "assistant", "content": "xy" * (1 + place)}]}
        for place, row in enumerate(rows)
    ]
    path = write_jsonl(tmp_path / "a.jsonl", spoken)
    assert select(path, method="longest", budget=1, part="response").indices.tolist() == [47]
    asked = select(path, method="longest", budget=1, part="prompt").indices[0]
    assert len(rows[asked]["text"]) == max(len(row["text"]) for row in rows)
    assert select(path, method="mdaq", quality="response_length", budget=1, part="prompt").indices.tolist() == [47]


@pytest.mark.parametrize(("quality", "expected"), [("column:score", 1), ("-column:score", -1), ("length", None)])
def test_scores_are_numbers_of_the_rows_and_a_minus_turns_them_round(quality, expected, rows, pool, select):
    found = select(pool, method="random", budget=48, quality=quality)
    told = {row["id"]: row["score"] * expected if expected else len(row["text"]) for row in rows}
    assert dict(zip(found.ids, found.rows["quality"], strict=True)) == told


def test_the_likeness_of_a_translation_is_its_cosine(rows, write_jsonl, select, tmp_path):
    from xalign.selecting.models.embedders import load_embedder

    paired = [row | {"other": rows[(place + 12) % 48]["text"]} for place, row in enumerate(rows)]
    found = select(write_jsonl(tmp_path / "a.jsonl", paired), method="random", budget=48, quality="translation:other")
    encode = load_embedder(None).encode
    x, y = encode([row["text"] for row in paired]), encode([row["other"] for row in paired])
    cosines = (x * y).sum(axis=1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)
    told = found.rows.sort_values("row")["quality"]
    assert told.to_numpy() == pytest.approx(cosines, abs=1e-6)


def test_another_method_on_the_same_sidecars_embeds_nothing(pool, target, sidecars, monkeypatch):
    arguments = {"sidecars": sidecars, "n_draws": 2, "progress": False, "shard_rows": 20, "device": "cpu"}
    select_data(pool, target, 5, method="random", **arguments)

    def not_again(task):
        raise AssertionError(task)

    monkeypatch.setattr("xalign.selecting.phases.mapping.embed_shard", not_again)
    monkeypatch.setattr("xalign.selecting.phases.mapping.read_shard", not_again)
    assert len(select_data(pool, target, 7, method="round_robin", **arguments).rows) == 7


@pytest.mark.parametrize("wanted", ["deita", "mdaq", "semdedup"])
def test_a_choice_that_falls_short_of_its_quotas_is_judged_by_draws_that_do_too(
    wanted, rows, write_jsonl, select, tmp_path
):
    repeated = [row | {"text": rows[place % 4]["text"]} if place < 12 else row for place, row in enumerate(rows)]
    path = write_jsonl(tmp_path / "pool.jsonl", repeated)
    options = {"deita": {"threshold": 0.9999}, "mdaq": {"fill": False, "n_clusters": 2, "ratio": 0}, "semdedup": {}}
    found = select(
        path, method=wanted, compare="longest", budget=40, quotas="equal", quality="column:score",
        options={wanted: options[wanted]}, align=False,
    )  # fmt: skip
    table = found.table.set_index("arm")
    assert len(found.rows) == table.loc["random draws", "rows"] == table.loc[wanted, "rows"] < 40
    assert table.loc["longest", "rows"] == 40
    assert any(warning.startswith(f"{wanted}: ") and "fewer" in warning for warning in found.warnings)


def test_gotd_reads_what_a_model_was_trained_on_as_it_reads_a_target(rows, pool, target, write_jsonl, select, tmp_path):
    german = [{"text": row["text"], "language": row["language"]} for row in rows[12:24]]
    path = write_jsonl(tmp_path / "trained.jsonl", german)
    by_file, by_language = (
        select(pool, target, method="gotd", options={"gotd": {"base": base, "mixing": 0.1}})
        for base in (str(path), "lang:de")
    )
    assert by_file.ids == by_language.ids
    assert by_file.run["solver"] == {"base": 12}
    assert by_file.rows["score"].tolist() != select(pool, target, method="lava").rows["score"].tolist()


def test_no_fact_of_a_selector_has_the_name_of_a_measure_that_it_differs_from(pool, target, select):
    document = select(pool, target, method="transport", compare="lava,k_centre").as_document()
    for facts in (document["solver"], *document["arms_facts"].values()):
        assert not set(facts) & set(MEASURES)
    assert document["solver"]["own_plan_cost"] == pytest.approx(document["arms"][0]["cost"], abs=0.02)


def test_gotd_without_what_a_model_was_trained_on_is_refused_or_left_out(pool, target, select):
    with pytest.raises(SettingError, match=r"give examples of that, or lang:\.\.\., as its option base"):
        select(pool, target, method="gotd")
    found = select(pool, target, method="random", compare="gotd")
    assert any(warning.startswith("gotd is left out: gotd: it weighs") for warning in found.warnings)


def test_a_quality_that_no_method_chooses_by_is_told_to_judge_only(pool, select):
    told = "quality length judges only, no method here chooses by it; those that do: transport, mig, mdaq, laser, deita"
    assert told in select(pool, method="random", compare="longest", quality="length").warnings
    for arguments in ({"compare": "mig", "quality": "length"}, {}):
        assert not any("judges only" in note for note in select(pool, method="random", **arguments).warnings)
