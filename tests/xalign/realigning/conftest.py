"""A tiny model of four blocks, and a small parallel corpus that it can learn."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from xalign import ParallelCorpus, load_encoder
from xalign.encoders import Encoder

LANGUAGES = ("eng_Latn", "deu_Latn", "swh_Latn")
N_WORDS, N_SENTENCES, LAYERS = 40, 60, 4


def vocabulary(language: str) -> list[str]:
    """Words of a language: the same number means the same, and numbers from 30 on are written as two pieces."""
    return [f"{language[:2]}{number}" for number in range(N_WORDS)]


@pytest.fixture(scope="session")
def tokenizer() -> transformers.PreTrainedTokenizerFast:
    """Whole words up to 29; from 30 on a beginning `xx3` and an end, so that a word can have two tokens."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>"]
    for language in LANGUAGES:
        pieces += [word for word in vocabulary(language) if int(word[2:]) < 30] + [f"{language[:2]}3"]
    pieces += [f"##{digit}" for digit in range(10)]
    backend = Tokenizer(
        models.WordPiece({piece: i for i, piece in enumerate(dict.fromkeys(pieces))}, unk_token="<unk>")
    )
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        model_max_length=64,
    )  # fmt: skip


@pytest.fixture(scope="session")
def save_model(tmp_path_factory, tokenizer) -> Callable[..., Path]:
    """Save a random XLM-R of four small blocks, with dropout if asked for."""

    def save(dropout: float = 0.0, dtype: torch.dtype = torch.float32, family: str = "XLMRoberta") -> Path:
        folder = tmp_path_factory.mktemp("model")
        torch.manual_seed(0)
        config = getattr(transformers, f"{family}Config")(
            vocab_size=200, hidden_size=32, intermediate_size=48, num_hidden_layers=LAYERS, num_attention_heads=4,
            max_position_embeddings=66, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
            bos_token_id=0, pad_token_id=1, eos_token_id=2,
        )  # fmt: skip
        getattr(transformers, f"{family}Model")(config).to(dtype).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return save


@pytest.fixture(scope="session")
def model_folder(save_model) -> Path:
    return save_model()


@pytest.fixture
def encoder(model_folder) -> Encoder:
    return load_encoder(model_folder, device="cpu")


@pytest.fixture(scope="session")
def numbers() -> list[list[int]]:
    """Which words each sentence has, the same in every language."""
    rng = np.random.default_rng(0)
    return [rng.choice(N_WORDS, size=rng.integers(3, 9), replace=False).tolist() for _ in range(N_SENTENCES)]


@pytest.fixture(scope="session")
def corpus(numbers) -> ParallelCorpus:
    """Sentences in three languages of unlike words, each language in an order of its own."""
    rng = np.random.default_rng(1)
    sentences = {}
    for language in LANGUAGES:
        words = vocabulary(language)
        sentences[language] = tuple(" ".join(words[i] for i in rng.permutation(row)) for row in numbers)
    return ParallelCorpus("small", sentences)


@pytest.fixture(scope="session")
def dictionaries(tmp_path_factory) -> Path:
    """A folder with the dictionary of each language."""
    folder = tmp_path_factory.mktemp("dictionaries")
    for language in LANGUAGES[1:]:
        rows = zip(vocabulary(language), vocabulary("eng_Latn"), strict=True)
        (folder / f"{language}.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in rows), encoding="utf-8")
    return folder
