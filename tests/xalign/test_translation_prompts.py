"""Prompts in the paper's form, and answers' tokens that are really the ones the tokenizer would go on with."""

from dataclasses import dataclass

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from xalign.encoders.logit_lens import load_logit_lens
from xalign.errors import SettingError, UnknownNameError
from xalign.translation_prompts import token_texts, translation_prompts


@dataclass(frozen=True)
class Words:
    """A lexicon by hand."""

    concepts: tuple[str, ...]
    words: dict[str, tuple[tuple[str, ...], ...]]

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.words)


LEXICON = Words(
    ("water", "dog", "taxi", "house", "fire", "night", "tree"),
    {
        "eng_Latn": (("water",), ("dog", "hound"), ("taxi",), ("house",), ("fire",), ("night",), ("tree",)),
        "deu_Latn": (("Wasser",), ("Hund",), ("Taxi",), ("Haus",), ("Feuer",), ("Nacht",), ("Baum",)),
        "fra_Latn": (("eau",), ("chien",), ("taxi",), ("maison",), ("feu",), ("nuit",), ("arbre",)),
        "zho_Hans": (("水",), ("狗",), ("出租车",), ("房子",), ("火",), ("夜",), ("树",)),
    },
)


def words_of(code: str) -> list[str]:
    return [form for forms in LEXICON.words[code] for form in forms]


@pytest.fixture(scope="module")
def byte_tokenizer() -> transformers.PreTrainedTokenizerFast:
    """GPT-2's kind: Latin words whole and in pieces, Chinese in bytes."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    texts = [f' {word} "{word}' for code in ("eng_Latn", "deu_Latn", "fra_Latn") for word in words_of(code)]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=alphabet, special_tokens=["<s>", "</s>"], show_progress=False
    )
    backend.train_from_iterator(texts, trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")


@pytest.fixture(scope="module")
def piece_tokenizer() -> transformers.PreTrainedTokenizerFast:
    """Llama's kind: pieces with a marker for the space, every letter of the lexicon."""
    backend = Tokenizer(models.BPE(unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    texts = [f'{word} "{word}" - :' for code in LEXICON.languages for word in words_of(code)]
    trainer = trainers.BpeTrainer(vocab_size=200, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False)
    backend.train_from_iterator(texts, trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", unk_token="<unk>")


@pytest.fixture(params=["byte_tokenizer", "piece_tokenizer"])
def any_tokenizer(request):
    return request.getfixturevalue(request.param)


def test_a_prompt_has_the_papers_form(byte_tokenizer):
    made = translation_prompts(LEXICON, byte_tokenizer, "deu_Latn", "zho_Hans", languages=["zho_Hans"], shots=1)
    pairs = dict(zip(words_of("deu_Latn"), words_of("zho_Hans"), strict=True))
    for concept, prompt in zip(made.concepts, made.prompts, strict=True):
        example, question = prompt.split("\n")
        word = LEXICON.words["deu_Latn"][concept][0]
        assert question == f'Deutsch: "{word}" - 中文: "'
        shown = example.split('"')[1]
        assert shown != word
        assert example == f'Deutsch: "{shown}" - 中文: "{pairs[shown]}"'


def test_examples_are_of_other_concepts_each_once_and_drawn_by_the_seed(byte_tokenizer):
    made = translation_prompts(LEXICON, byte_tokenizer, "deu_Latn", "fra_Latn", shots=3)
    for prompt in made.prompts:
        lines = prompt.split("\n")
        assert len(lines) == len(set(lines)) == 4
        assert len({line.split('"')[1] for line in lines}) == 4
    assert made.prompts == translation_prompts(LEXICON, byte_tokenizer, "deu_Latn", "fra_Latn", shots=3).prompts
    assert made.prompts != translation_prompts(LEXICON, byte_tokenizer, "deu_Latn", "fra_Latn", shots=3, seed=1).prompts
    assert all(
        "\n" not in prompt
        for prompt in translation_prompts(LEXICON, byte_tokenizer, "deu_Latn", "fra_Latn", shots=0).prompts
    )


@pytest.mark.parametrize("target", ["deu_Latn", "zho_Hans"])
def test_the_token_that_the_answer_would_go_on_with_is_in_its_set(any_tokenizer, target):
    made = translation_prompts(LEXICON, any_tokenizer, "fra_Latn", target, languages=[target], shots=2)
    for concept, prompt, tokens in zip(made.concepts, made.prompts, made.token_sets[target], strict=True):
        before = any_tokenizer(prompt, add_special_tokens=False)["input_ids"]
        for form in LEXICON.words[target][concept]:
            whole = any_tokenizer(prompt + form, add_special_tokens=False)["input_ids"]
            if whole[: len(before)] == before:
                assert whole[len(before)] in tokens
    assert made.n == len(made.concepts) > 4


def test_every_token_spells_a_beginning_of_one_of_the_words(any_tokenizer):
    made = translation_prompts(LEXICON, any_tokenizer, "deu_Latn", "fra_Latn", shots=2)
    assert list(made.token_sets) == ["fra_Latn", "deu_Latn", "eng_Latn"]
    for code, sets in made.token_sets.items():
        for concept, tokens in zip(made.concepts, sets, strict=True):
            texts = [any_tokenizer.decode([token]).strip() for token in tokens]
            assert all(any(form.startswith(text) for form in LEXICON.words[code][concept]) for text in texts)
            assert all(any(form[:1] == text for text in texts) for form in LEXICON.words[code][concept])


def test_synonyms_count_as_answers(any_tokenizer):
    made = translation_prompts(LEXICON, any_tokenizer, "deu_Latn", "fra_Latn", shots=2)
    tokens = made.token_sets["eng_Latn"][made.concepts.index(1)]
    assert {"d", "h"} <= {any_tokenizer.decode([token]).strip() for token in tokens}


def test_a_script_that_is_not_in_the_vocabulary_begins_with_a_byte(byte_tokenizer):
    made = translation_prompts(LEXICON, byte_tokenizer, "deu_Latn", "zho_Hans", languages=["zho_Hans"], shots=2)
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False)
    for concept, tokens in zip(made.concepts, made.token_sets["zho_Hans"], strict=True):
        first_byte = to_bytes.pre_tokenize_str(LEXICON.words["zho_Hans"][concept][0])[0][0][0]
        assert byte_tokenizer.convert_ids_to_tokens(list(tokens)) == [first_byte]


def test_words_that_languages_write_alike_are_left_out_with_the_reason(byte_tokenizer):
    made = translation_prompts(LEXICON, byte_tokenizer, "deu_Latn", "fra_Latn", shots=2)
    assert made.left_out["taxi"] == "both languages write it alike"
    assert 2 not in made.concepts
    across = translation_prompts(LEXICON, byte_tokenizer, "deu_Latn", "zho_Hans", languages=["eng_Latn", "fra_Latn"])
    assert across.left_out == {"taxi": "eng_Latn has no token of its own"}
    again = translation_prompts(LEXICON, byte_tokenizer, "fra_Latn", "fra_Latn", languages=["fra_Latn"])
    assert (again.left_out, again.n) == ({}, 7)


def test_texts_of_tokens_leave_out_special_ones_and_parts_of_letters(byte_tokenizer):
    texts = token_texts(byte_tokenizer)
    assert "<s>" not in texts
    assert not any("\ufffd" in text for text in texts)
    for text, tokens in texts.items():
        assert {byte_tokenizer.decode([token]).strip() for token in tokens} == {text}


def test_a_random_decoder_answers_in_no_language(byte_tokenizer, tmp_path):
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=400, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path)
    byte_tokenizer.save_pretrained(tmp_path)
    made = translation_prompts(LEXICON, byte_tokenizer, "deu_Latn", "fra_Latn", shots=1)
    lens = load_logit_lens(tmp_path)
    found = lens.language_probabilities(made.prompts, made.token_sets, progress=False)
    assert found.languages == ("fra_Latn", "deu_Latn", "eng_Latn")
    assert found.n_shared > 0
    assert found.probabilities[:, 1:] == pytest.approx(found.uniform[:, None].repeat(2, axis=1), rel=0.5)


def test_too_few_words_and_languages_without_tokens_are_named(byte_tokenizer):
    with pytest.raises(SettingError, match=r"need 11 concepts, one and 10 examples, got 6; of 7, 1 were left out"):
        translation_prompts(LEXICON, byte_tokenizer, "deu_Latn", "fra_Latn", shots=10)
    twins = Words(LEXICON.concepts, {**LEXICON.words, "sco_Latn": LEXICON.words["eng_Latn"]})
    with pytest.raises(SettingError, match=r"got 0; of 7, 7 were left out because eng_Latn has no token of its own"):
        translation_prompts(twins, byte_tokenizer, "deu_Latn", "zho_Hans", languages=["eng_Latn", "sco_Latn"])
    with pytest.raises(UnknownNameError, match="language must be one of the lexicon's"):
        translation_prompts(LEXICON, byte_tokenizer, "deu_Latn", "swh_Latn")
    empty = Words(("water", "dog"), {"deu_Latn": (("Wasser",), ()), "eng_Latn": (("water",), ("dog",))})
    with pytest.raises(ValueError, match=r"the lexicon's entry for 'dog' in deu_Latn must hold words, got \(\)"):
        translation_prompts(empty, byte_tokenizer, "deu_Latn", "eng_Latn", shots=0)
