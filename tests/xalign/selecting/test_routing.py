"""Rows without a category get the one that most of the user's turns have, by whatever tells it."""

import csv
import os
import re

import pytest

from selection.data.stratified import CATEGORIES, route_conversations
from selection.data.stratified.routing import nearest_category_classifier
from xalign.embedded import routing_examples
from xalign.errors import CorpusError, ModelError, SettingError, UnknownNameError
from xalign.selecting.phases.routing import parse_category
from xalign.selecting.scores.category_examples import describe_examples, read_examples
from xalign.selecting.settings import ModelSettings

OWN = """
def by_first_word(texts):
    return [text.split()[0] for text in texts]


def too_few(texts):
    return ["a"]


def none(texts):
    return [None] * len(texts)


def blank(texts):
    return ["" if text.startswith("code") else " sum " for text in texts]


number = 3
"""
HERE = ModelSettings("xalign-mini")
TALKS = {
    "one": ["sum 1", "poem 2", "sum 3"],
    "tied": ["poem 4", "sum 5"],
    "single": ["code 6"],
}


@pytest.fixture
def own_functions(tmp_path, monkeypatch):
    """A module of a user's own."""
    (tmp_path / "own_routes.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "own_broken.py").write_text("def any(:\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


def as_messages(turns):
    said = [{"role": "system", "content": "code code"}]
    for turn in turns:
        said += [{"role": "user", "content": turn}, {"role": "assistant", "content": "poem"}]
    return said


@pytest.fixture
def talks(tmp_path, write_jsonl):
    rows = [{"id": name, "language": "eng_Latn", "messages": as_messages(turns)} for name, turns in TALKS.items()]
    return write_jsonl(tmp_path / "talks.jsonl", rows)


def categories_of(selection):
    return dict(zip(selection.rows["id"], selection.rows["category"], strict=True))


def choose(select, pool, budget=3, **arguments):
    return select(pool, budget=budget, method="laser", quality="length", **arguments)


@pytest.mark.usefixtures("quick_model", "own_functions")
def test_most_of_the_turns_of_the_user_decide_and_of_equals_the_first(select, talks):
    found = choose(select, talks, category="@function:own_routes.by_first_word")
    assert categories_of(found) == {"one": "sum", "tied": "poem", "single": "code"}
    assert any("@function:own_routes.by_first_word gives most of their user's turns" in note for note in found.warnings)
    assert all(f"category {row.category};" in row.reason for row in found.rows.itertuples())


@pytest.mark.usefixtures("quick_model")
def test_examples_route_rows_to_the_nearest_mean_and_tell_how_well_they_tell_apart(select, pool, rows, tmp_path):
    texts = {"flat": ["abab abab", "baba ba", "zzzz"], "round": ["oo ee oo", "eeoo"], "other": ["the th", "he the"]}
    path = tmp_path / "examples.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "category"])
        writer.writerows((text, name) for name, own in texts.items() for text in own)
    from xalign.selecting.models import embedders

    encode = embedders.load_embedder(None).encode
    found = choose(select, pool, budget=48, category=f"@route:{path}")
    expected = route_conversations(
        [[{"role": "user", "content": row["text"]}] for row in rows], nearest_category_classifier(encode, texts)
    )
    assert categories_of(found) == {row["id"]: name for row, name in zip(rows, expected, strict=True)}
    right = 0
    for name, own in texts.items():
        for place, text in enumerate(own):
            others = texts | {name: [*own[:place], *own[place + 1 :]]}
            right += nearest_category_classifier(encode, others)([text]) == [name]
    assert any(f"of 7, held out one at a time, {right / 7:.0%} come to their own (33% by chance)" in note
               for note in found.warnings)  # fmt: skip


def test_the_examples_that_ship_are_of_lasers_categories_twelve_each():
    found = read_examples(str(routing_examples()))
    assert tuple(found) == CATEGORIES
    assert {len(set(texts)) for texts in found.values()} == {12}


def test_the_card_of_the_examples_says_how_well_xalign_mini_tells_them_apart():
    told = describe_examples(str(routing_examples()), ModelSettings("xalign-mini", '{"device": "cpu"}'))
    share = re.search(r"of 84, held out one at a time, (\d+)% come to their own \(14% by chance\)", told).group(1)
    card = (routing_examples().parent / "README.md").read_text(encoding="utf-8")
    assert f"With xalign-mini {share} % of the examples" in card


@pytest.mark.usefixtures("quick_model", "own_functions")
def test_a_row_without_a_turn_of_the_user_cannot_be_routed(select, tmp_path, write_jsonl):
    silent = {"id": "silent", "messages": [{"role": "assistant", "content": "poem of its own"}]}
    pool = write_jsonl(tmp_path / "pool.jsonl", [{"id": "a", "messages": as_messages(["sum 1"])}, silent])
    with pytest.raises(CorpusError, match=r"line 2: a turn of the user was expected, by which its category is told"):
        choose(select, pool, budget=1, category="@function:own_routes.by_first_word")
    found = choose(select, pool, budget=1, category="@function:own_routes.by_first_word", skip_bad=True)
    assert found.ids == ["a"]
    assert found.skipped["line"].tolist() == [2]


@pytest.mark.usefixtures("quick_model", "own_functions")
def test_a_function_that_does_not_name_every_text_is_refused(select, talks):
    with pytest.raises(SettingError, match=r"category '@function:own_routes.too_few' must give a name for each of 6"):
        choose(select, talks, category="@function:own_routes.too_few")
    with pytest.raises(SettingError, match=r"must give a name for each of 6 texts, got \[None, None, None\]"):
        choose(select, talks, category="@function:own_routes.none")
    with pytest.raises(CorpusError, match=r"line 3: a category was expected of one of the user's turns, got none"):
        choose(select, talks, category="@function:own_routes.blank")
    found = choose(select, talks, budget=2, category="@function:own_routes.blank", skip_bad=True)
    assert categories_of(found) == {"one": "sum", "tied": "sum"}


@pytest.mark.usefixtures("quick_model")
def test_categories_are_those_of_the_examples_and_the_function_as_they_are_now(select, talks, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    module, examples = tmp_path / "changing_routes.py", tmp_path / "examples.jsonl"
    for name in ("first", "second"):
        module.write_text(f"def same(texts):\n    return ['{name}'] * len(texts)\n", encoding="utf-8")
        found = choose(select, talks, category="@function:changing_routes.same")
        assert set(found.rows["category"]) == {name}
        lines = [f'{{"category": "{name} {half}", "text": "{text}"}}' for half in "ab" for text in ("sum 1", "po")]
        examples.write_text("\n".join(lines), encoding="utf-8")
        found = choose(select, talks, category=f"@route:{examples}")
        assert {category.split()[0] for category in found.rows["category"]} == {name}


def test_decorated_functions_and_callables_are_known_by_the_file_that_they_stand_in(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    module, found = tmp_path / "wrapped_routes.py", []
    head = "import functools\nimport torch\n\n\ndef plain(texts, name):\n    return [name] * len(texts)\n\n\n"
    for name in ("x", "y"):
        module.write_text(
            f"{head}@torch.inference_mode()\ndef wrapped(texts):\n    return ['{name}'] * len(texts)\n\n\n"
            f"partly = functools.partial(plain, name='{name}')\n",
            encoding="utf-8",
        )
        os.utime(module, (1e9, 1e9))  # as of two edits within a second, which compiled files cannot tell apart
        routers = [parse_category(f"@function:wrapped_routes.{one}") for one in ("wrapped", "partly")]
        assert [router.classify(["a"], HERE) for router in routers] == [[name], [name]]
        found.append([router.content for router in routers])
    assert all(one != other for one, other in zip(*found, strict=True))


@pytest.mark.usefixtures("own_functions")
@pytest.mark.parametrize(
    ("category", "error", "told"),
    [
        ("@rout", UnknownNameError, r"field or one of @route\[:FILE\], .* got '@rout' \(did you mean '@route'\?\)"),
        ("@classifier", SettingError, r"'@classifier' must name what decides, as in @classifier:MODEL"),
        ("@classifier:nowhere/at-all", ModelError, r"category '@classifier:nowhere/at-all': "),
        ("@function:own_routes.missing", SettingError, r"'own_routes.missing' must be a function, .* got None"),
        ("@function:own_broken.any", SettingError, r"'own_broken.any' must be a function of a module that can be"),
        ("@function:..any", SettingError, r"'..any' must be a function of a module that can be imported"),
        ("@function:time.time", SettingError, r"'time.time' must stand in a file"),
        ("@function:own_routes.number", SettingError, r"must be a function, as in 'module.function', got 3"),
        ("@function:no_module.at_all", SettingError, r"No module named 'no_module'; .* in PYTHONPATH"),
        ("@route:missing.csv", CorpusError, r"missing.csv: a file"),
    ],
)  # fmt: skip
def test_what_cannot_tell_categories_is_refused_before_any_work(category, error, told):
    with pytest.raises(error, match=told):
        parse_category(category, device="cpu")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (['{"text": "a"}'], r"line 1: text and 'category' were expected, got text"),
        (['{"text": "a", "category": "x"}', "{"], r"line 2: "),
        (['{"text": "a", "category": "x"}'] * 3, r"two categories or more .* got 1 categories"),
        (['{"text": "a", "category": "x"}'] * 2 + ['{"text": "b", "category": "y"}'], r"got one example of 'y'"),
    ],
)
def test_examples_that_cannot_be_used_are_told_with_their_place(lines, told, tmp_path, write_jsonl):
    path = write_jsonl(tmp_path / "examples.jsonl", lines)
    with pytest.raises(CorpusError, match=told):
        parse_category(f"@route:{path}")
