"""Text is found whatever it is called: plain, instruction and answer, or a conversation in any of the usual shapes."""

import pytest

from xalign.errors import CorpusError, SettingError
from xalign.selecting.pools.fields import guess_text_field, look_up, read_turns


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"id": 1, "text": "a"}, "text"),
        ({"Sentence": "a"}, "Sentence"),
        ({"instruction": "a", "input": "", "output": "b"}, "instruction+input>output"),
        ({"prompt": "a", "completion": "b"}, "prompt>completion"),
        ({"instruction": "a"}, "instruction"),
        ({"messages": [], "text": "a"}, "messages"),
        ({"dialogs": [], "instruction": "a"}, "dialogs"),
        ({"conversations": []}, "conversations"),
    ],
)
def test_the_field_of_text_is_guessed_from_its_name(fields, expected):
    assert guess_text_field(fields, "here") == expected


def test_no_field_of_text_is_told_with_place_and_fields():
    with pytest.raises(
        CorpusError, match=r"pool\.jsonl, line 3: a field of text was expected .* got title, body; name"
    ):
        guess_text_field({"title": "a", "body": "b"}, "pool.jsonl, line 3")


CONVERSATION = {
    "role and content": [{"role": "user", "content": "q "}, {"role": "assistant", "content": "a"}],
    "from and value": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}],
    "parts": [
        {"role": "user", "content": [{"type": "text", "text": "q"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}]},
    ],
    "strings in turn": ["q", "a"],
    "a turn that calls a tool": [
        {"role": "user", "content": "q"}, {"role": "assistant", "content": None}, {"role": "assistant", "content": "a"},
    ],
    "an empty turn": [
        {"role": "user", "content": "q"}, {"role": "assistant", "content": " "}, {"role": "assistant", "content": "a"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("shape", CONVERSATION)
def test_every_shape_of_a_conversation_gives_the_same_parts(shape):
    turns = read_turns({"messages": CONVERSATION[shape]}, "messages")
    assert (turns.prompt, turns.response) == ("q", "a")
    assert [turns.part(name) for name in ("all", "prompt", "response")] == ["q\na", "q", "a"]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_what_the_system_says_is_not_asked_and_several_turns_are_joined(role):
    turns = [
        {"role": role, "content": "s"},
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "r"},
    ]
    found = read_turns({"messages": turns}, "messages")
    assert (found.system, found.prompt, found.response) == ("s", "q\nr", "a")
    assert found.asked == ("q", "r")
    assert [found.part(name) for name in ("all", "prompt", "response")] == ["s\nq\nr\na", "q\nr", "a"]


def test_alpaca_fields_are_prompt_and_response_and_an_empty_input_leaves_no_line():
    fields = {"instruction": "do", "input": "", "output": "done"}
    assert read_turns(fields, "instruction+input>output").part("all") == "do\ndone"
    both = read_turns(fields | {"input": "this"}, "instruction+input>output")
    assert (both.prompt, both.asked, both.system) == ("do\nthis", ("do\nthis",), "")
    assert read_turns({"text": " "}, "text").asked == ()


def test_dots_lead_into_objects_unless_a_field_has_that_very_name():
    fields = {"annotation": {"instag": {"content": ["x"]}}, "a.b": 1, "a": {"b": 2}}
    assert look_up(fields, "annotation.instag.content") == ["x"]
    assert look_up(fields, "a.b") == 1
    assert look_up(fields, "annotation.deita") is None


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"text": 3}, "text", "field 'text' must hold text, got int"),
        ({"messages": [3]}, "messages", "field 'messages' must hold turns with role and content, got int"),
        ({"messages": [{"who": "me"}]}, "messages", "got turn 0 with who"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages", "got turn 0 with role, content"),
    ],
)
def test_what_is_no_text_is_told(fields, field, message):
    with pytest.raises(SettingError, match=message):
        read_turns(fields, field)
