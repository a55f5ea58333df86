"""Word-translation prompts for the logit lens, and the tokens that their answers begin with in each language."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xalign.errors import SettingError
from xalign.lexicon_words import WordLists, entry

QUOTE = '"'


@dataclass(frozen=True, eq=False)
class TranslationPrompts:
    """Prompts that ask for a word of one language in another.

    Attributes:
        source: The language that is translated from.
        target: The language that is translated into.
        concepts: The concept of each prompt, by its number in the lexicon.
        prompts: The texts; each ends where the answer begins.
        token_sets: By language, for each prompt the tokens that its answer can begin with.
        left_out: The concepts that are not asked for, by their English key, and why.
    """

    source: str
    target: str
    concepts: tuple[int, ...]
    prompts: tuple[str, ...]
    token_sets: Mapping[str, tuple[frozenset[int], ...]]
    left_out: Mapping[str, str]

    @property
    def n(self) -> int:
        """How many prompts."""
        return len(self.prompts)


def translation_prompts(  # noqa: PLR0913 - what is asked, of what, and how
    lexicon: WordLists,
    tokenizer: Any,
    source: str,
    target: str,
    *,
    languages: Sequence[str] | None = None,
    shots: int = 4,
    seed: int = 0,
) -> TranslationPrompts:
    """Ask for every concept of a lexicon in another language, after some examples.

    As in the paper: `Deutsch: "Hund" - Français: "chien"`, languages by their own names, the last line open. An answer
    begins with any token that is a beginning of one of its words, with or without a space before, or with the first
    token of the word as the tokenizer cuts it (a byte, where a script is not in the vocabulary).

    A concept is left out if both languages write it alike, so that repeating it would do, or if one of the languages
    has no token for it that another has not.

    Args:
        lexicon: Concepts and their words.
        tokenizer: A transformers tokenizer.
        source: The language that is translated from.
        target: The language that is translated into; the same as `source` asks for the word itself.
        languages: In which languages the answer is looked for; by default the target, the source and English.
        shots: Examples before the question, of other concepts; 4 in the paper.
        seed: Seed of the choice of examples.

    Returns:
        A prompt for each concept that is asked for, in the order of the lexicon.

    Raises:
        UnknownNameError: If the lexicon does not have a language.
        ValueError: If an entry of the lexicon is empty; the message names concept and language.
        SettingError: If fewer concepts are left than one and its examples; the message names the language that leaves
            most of them without a token.

    References:
        Wendler et al. (2024), Do Llamas Work in English?, arXiv:2402.10588.
    """
    wanted = tuple(dict.fromkeys(languages or (target, source, "eng_Latn")))
    texts = token_texts(tokenizer)
    sets = {code: [_answer_tokens(tokenizer, texts, forms) for forms in _entries(lexicon, code)] for code in wanted}
    asked, answers = ([forms[0] for forms in _entries(lexicon, code)] for code in (source, target))
    left_out = _left_out(lexicon, sets, asked, answers, same=source == target)
    kept = [i for i, key in enumerate(lexicon.concepts) if key not in left_out]
    if len(kept) < max(2, shots + 1):
        raise SettingError(_too_few(lexicon, left_out, len(kept), shots))
    questions = [f"{_own_name(source)}: {QUOTE}{word}{QUOTE} - {_own_name(target)}: {QUOTE}" for word in asked]
    examples = [f"{question}{word}{QUOTE}\n" for question, word in zip(questions, answers, strict=True)]
    rng = np.random.default_rng(seed)
    prompts = []
    for concept in kept:
        others = rng.choice([i for i in kept if i != concept], size=shots, replace=False)
        prompts.append("".join(examples[i] for i in others) + questions[concept])
    chosen = {code: tuple(of[i] for i in kept) for code, of in sets.items()}
    return TranslationPrompts(source, target, tuple(kept), tuple(prompts), chosen, left_out)


def token_texts(tokenizer: Any) -> dict[str, list[int]]:
    """Return the tokens by their text without surrounding spaces; special tokens and parts of letters are left out."""
    special = set(tokenizer.all_special_ids)
    ids = [token for token in range(len(tokenizer)) if token not in special]
    by_text: dict[str, list[int]] = {}
    for token, text in zip(ids, tokenizer.batch_decode([[token] for token in ids]), strict=True):
        if text.strip() and "\ufffd" not in text:
            by_text.setdefault(text.strip(), []).append(token)
    return by_text


def _entries(lexicon: WordLists, language: str) -> list[tuple[str, ...]]:
    return [entry(lexicon, language, concept) for concept in range(len(lexicon.concepts))]


def _answer_tokens(tokenizer: Any, texts: Mapping[str, list[int]], forms: Sequence[str]) -> frozenset[int]:
    """Return the tokens that a form can begin with: those that spell a beginning of it, and its first as it is cut."""
    found: set[int] = set()
    for form in forms:
        for end in range(1, len(form) + 1):
            found.update(texts.get(form[:end], ()))
        for before in (QUOTE, f"{QUOTE} "):
            head, whole = (_ids(tokenizer, text) for text in (QUOTE, before + form))
            if whole[: len(head)] == head:
                found.update(_first_that_spells(tokenizer, whole[len(head) :]))
    return frozenset(found)


def _first_that_spells(tokenizer: Any, ids: Sequence[int]) -> list[int]:
    """Return the first token that is more than a space, as a list of one or none."""
    return next(([token] for token in ids if tokenizer.decode([token]).strip()), [])


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _left_out(
    lexicon: WordLists, sets: Mapping[str, list[frozenset[int]]], sources: list[str], targets: list[str], *, same: bool
) -> dict[str, str]:
    left_out = {}
    for i, key in enumerate(lexicon.concepts):
        counts = Counter(token for of in sets.values() for token in of[i])
        bare = next((code for code, of in sets.items() if not any(counts[token] == 1 for token in of[i])), None)
        if not same and sources[i].casefold() == targets[i].casefold():
            left_out[key] = "both languages write it alike"
        elif bare is not None:
            left_out[key] = f"{bare} has no token of its own"
    return left_out


def _too_few(lexicon: WordLists, left_out: Mapping[str, str], n_kept: int, shots: int) -> str:
    most, count = Counter(left_out.values()).most_common(1)[0] if left_out else ("", 0)
    why = f"; of {len(lexicon.concepts)}, {count} were left out because {most}" if left_out else ""
    return (
        f"translation prompts need {max(2, shots + 1)} concepts, one and {shots} examples, got {n_kept}{why}; give a "
        "larger lexicon, other languages or fewer shots"
    )


def _own_name(code: str) -> str:
    """Return what a language calls itself, `Deutsch`; its English name where that is not known."""
    from langcodes import Language

    return str(Language.get(code.split("_")[0]).autonym())
