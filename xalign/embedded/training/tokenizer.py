"""The tokenizer of xalign-mini: a lower-cased unigram vocabulary, and its pieces' splits for subword regularisation."""

import io
import itertools
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sentencepiece
from jaxtyping import Int
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from xalign.embedded.training.sources import EMBEDDED_LANGUAGES, Group

BEGIN, PAD, END, UNKNOWN, MASK = range(5)
SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
DIGIT_ZEROS = "٠۰०০"


def _normalizer() -> normalizers.Normalizer:
    """Compatibility composition, lower case, and Western digits for Arabic, Persian, Devanagari and Bengali ones."""
    digits = [normalizers.Replace(chr(ord(zero) + k), str(k)) for zero in DIGIT_ZEROS for k in range(10)]
    return normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), *digits])


def tokenizer_texts(
    groups: Sequence[Group], *, seed: int, embedded_share: int = 200_000, other_share: int = 4_000
) -> list[str]:
    """Choose the texts the vocabulary is learned from, giving every language its share whatever it has.

    Args:
        groups: The training data.
        seed: Of the choice.
        embedded_share: Characters for each of the 24 languages; texts are repeated where there are fewer.
        other_share: The same for every other language.
    """
    generator = np.random.default_rng(seed)
    by_language: dict[str, list[str]] = defaultdict(list)
    for group in groups:
        for language, text in group.texts.items():
            by_language[language].append(text)
    chosen: list[str] = []
    for language, texts in sorted(by_language.items()):
        order = [texts[k] for k in generator.permutation(len(texts))]
        share = embedded_share if language in EMBEDDED_LANGUAGES else other_share
        chosen += _take_characters(order, share)
    return chosen


def _take_characters(texts: Sequence[str], share: int) -> list[str]:
    """Go round the texts until their length reaches the share."""
    taken, total = [], 0
    for text in itertools.cycle(texts):
        taken.append(text)
        total += len(text)
        if total >= share:
            return taken
    return taken


def train_tokenizer(texts: Sequence[str], *, vocabulary: int, coverage: float = 0.9999) -> Tokenizer:
    """Train a unigram tokenizer whose output is `<s> pieces </s>`.

    Args:
        texts: What to learn from.
        vocabulary: Number of pieces with the special ones.
        coverage: Share of the characters of `texts` that get a piece of their own; the rest becomes unknown.

    References:
        Kudo (2018), Subword Regularization, https://arxiv.org/abs/1804.10959
    """
    tokenizer = Tokenizer(models.Unigram(_learn_pieces(texts, vocabulary, coverage), unk_id=UNKNOWN))
    tokenizer.normalizer = _normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", BEGIN), ("</s>", END)]
    )
    return tokenizer


def _learn_pieces(texts: Sequence[str], vocabulary: int, coverage: float) -> list[tuple[str, float]]:
    """Learn pieces with sentencepiece, whose training is deterministic, and give the model's order and scores."""
    normalizer, trained = _normalizer(), io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(normalizer.normalize_str(text) for text in texts),
        model_writer=trained,
        model_type="unigram",
        vocab_size=vocabulary,
        character_coverage=coverage,
        max_sentencepiece_length=12,
        normalization_rule_name="identity",
        num_threads=2,
        bos_id=BEGIN,
        pad_id=PAD,
        eos_id=END,
        unk_id=UNKNOWN,
        control_symbols=["<mask>"],
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())
    return [(processor.id_to_piece(k), processor.get_score(k)) for k in range(processor.get_piece_size())]


def save_tokenizer(tokenizer: Tokenizer, folder: Path, *, longest: int) -> None:
    """Write the tokenizer so that `AutoTokenizer` loads it from one `tokenizer.json`."""
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=longest,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        clean_up_tokenization_spaces=False,
    )
    wrapped.save_pretrained(str(folder))
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def piece_scores(tokenizer: Tokenizer) -> list[tuple[str, float]]:
    """Read the pieces of a unigram tokenizer and their log-probabilities, in the order of their ids."""
    return [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]


def piece_splits(vocabulary: Sequence[tuple[str, float]], *, ways: int = 3) -> Int[np.ndarray, "v ways 2"]:
    """Find how each piece may be cut in two pieces, best first.

    Args:
        vocabulary: Pieces with their log-probabilities, in the order of their ids; the special ones first.
        ways: How many cuts to keep.

    Returns:
        Ids of the two halves, (n_pieces, ways, 2); -1 where there is none, the last repeated where there are fewer.
    """
    index = {piece: k for k, (piece, _) in enumerate(vocabulary) if k >= len(SPECIAL_TOKENS)}
    splits = np.full((len(vocabulary), ways, 2), -1, dtype=np.int32)
    for piece, k in index.items():
        halves = [(index.get(piece[:cut]), index.get(piece[cut:])) for cut in range(1, len(piece))]
        found = [(a, b) for a, b in halves if a is not None and b is not None]
        found.sort(key=lambda pair: -(vocabulary[pair[0]][1] + vocabulary[pair[1]][1]))
        for way in range(ways if found else 0):
            splits[k, way] = found[min(way, len(found) - 1)]
    return splits
