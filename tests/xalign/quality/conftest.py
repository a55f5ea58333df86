"""A tiny model of two blocks, and pairs whose better response has a word that gives it away in every language."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from xalign.quality.pairs import PreferencePairs

LANGUAGES = ("deu_Latn", "swh_Latn")
N_WORDS, N_PAIRS = 30, 40


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory) -> Path:
    """A random XLM-R with dropout, whose training depends on the random generators."""
    pieces = [
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        "please",
        *(f"{name[0]}{i}" for name in LANGUAGES for i in range(N_WORDS)),
    ]
    backend = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(pieces)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        model_max_length=32,
    )  # fmt: skip
    torch.manual_seed(0)
    config = transformers.XLMRobertaConfig(
        vocab_size=len(pieces), hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=34, hidden_dropout_prob=0.1, bos_token_id=0, pad_token_id=1, eos_token_id=2,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("model")
    transformers.XLMRobertaModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def make_pairs() -> Callable[..., PreferencePairs]:
    """Draw pairs: a response repeats some of the instruction's words; the better one says please."""

    def make(n: int = N_PAIRS, languages: tuple[str, ...] = LANGUAGES, seed: int = 0) -> PreferencePairs:
        rng = np.random.default_rng(seed)
        rows = []
        for i in range(n):
            language = languages[i % len(languages)]
            words = [f"{language[0]}{number}" for number in rng.choice(N_WORDS, 6, replace=False)]
            said = " ".join(words[:4])
            rows.append((" ".join(words), f"{said} please", f"{said} {words[4]}", language, i // len(languages)))
        return PreferencePairs(*map(tuple, zip(*rows, strict=True)))

    return make


@pytest.fixture
def pairs(make_pairs) -> PreferencePairs:
    return make_pairs()
