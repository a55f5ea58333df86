"""What is put before a text: the model's own prompts, or the caller's, and never a misspelt name."""

import pytest

from xalign.benchmarking.prompts import Prompts, choose_prompts
from xalign.errors import SettingError, UnknownNameError

E5 = {"query": "query: ", "passage": "passage: "}
INSTRUCT = {"query": "Instruct: find the passage\nQuery: "}
GEMMA = {"query": "task: search | query: ", "document": "title: none | text: ", "bitext": "task: bitext | query: "}


@pytest.mark.parametrize(
    ("declared", "default", "expected"),
    [
        ({}, None, Prompts()),
        (E5, None, Prompts("query: ", "query: ", "passage: ", "model")),
        (INSTRUCT, None, Prompts("", INSTRUCT["query"], "", "model")),
        (GEMMA, "bitext", Prompts(GEMMA["bitext"], GEMMA["query"], GEMMA["document"], "model")),
        ({"any": "text: "}, "any", Prompts("text: ", "text: ", "text: ", "model")),
    ],
)
def test_a_models_own_prompts_go_where_its_makers_meant_them(declared, default, expected):
    assert choose_prompts(None, declared, default, paired=True) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("none", Prompts()),
        ("passage", Prompts("passage: ", "passage: ", "passage: ", "argument")),
        ("query,passage", Prompts("query: ", "query: ", "passage: ", "argument")),
        ("none,passage", Prompts("", "", "passage: ", "argument")),
        ("Find, please: ", Prompts("Find, please: ", "Find, please: ", "Find, please: ", "argument")),
        ("q:,p:", Prompts("q:", "q:", "p:", "argument")),
    ],
)
def test_an_argument_overrides_them(asked, expected):
    assert choose_prompts(asked, E5, None, paired=True) == expected


def test_a_misspelt_name_is_no_literal_text():
    with pytest.raises(UnknownNameError, match="did you mean 'query'"):
        choose_prompts("qurey", E5, None, paired=False)


def test_two_prompts_need_questions_and_paragraphs():
    with pytest.raises(SettingError, match="sentences of one kind"):
        choose_prompts("query,passage", E5, None, paired=False)
