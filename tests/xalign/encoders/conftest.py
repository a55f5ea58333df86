"""Tiny random models of every family, saved as a user finds them, with a tokenizer trained here."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

SENTENCES = (
    "the cat sleeps on the warm roof",
    "rain falls",
    "two rivers meet below the old stone bridge near the market and the mill",
    "she reads a letter from her brother",
    "water",
    "der Hund läuft durch den Wald und bellt laut",
    "children play in the garden after school every day of the week",
    "bread and salt",
)
WIDTH, FEED_FORWARD, LAYERS = 32, 48, 3
GATED = {"hidden_size": WIDTH, "intermediate_size": FEED_FORWARD, "num_hidden_layers": LAYERS}
HEADS = {"num_attention_heads": 4}
ROTARY = {**GATED, **HEADS, "num_key_value_heads": 2, "max_position_embeddings": 64}
GEMMA = {**ROTARY, "head_dim": 8}
BERT = {**GATED, **HEADS, "max_position_embeddings": 66}
T5 = {"d_model": WIDTH, "d_ff": FEED_FORWARD, "num_layers": LAYERS, "num_heads": 4, "d_kv": 8}
M2M = {
    "d_model": WIDTH, "encoder_layers": LAYERS, "decoder_layers": 1, "encoder_ffn_dim": FEED_FORWARD,
    "decoder_ffn_dim": 16, "encoder_attention_heads": 4, "decoder_attention_heads": 4, "max_position_embeddings": 64,
}  # fmt: skip
GPT2 = {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": 4, "n_positions": 64, "n_inner": FEED_FORWARD}
DISTILBERT = {"dim": WIDTH, "n_layers": LAYERS, "n_heads": 4, "hidden_dim": FEED_FORWARD, "max_position_embeddings": 64}
SLIDING = {"sliding_window": 8}

CONFIGS: dict[str, tuple[str, dict]] = {
    "bert": ("Bert", BERT),
    "roberta": ("Roberta", BERT),
    "xlm-r": ("XLMRoberta", BERT),
    "distilbert": ("DistilBert", DISTILBERT),
    "modernbert": ("ModernBert", {**GATED, **HEADS, "max_position_embeddings": 64, "local_attention": 8}),
    "mt5": ("MT5", T5),
    "t5": ("T5", {**T5, "feed_forward_proj": "relu"}),
    "m2m": ("M2M100", M2M),
    "gpt2": ("GPT2", GPT2),
    "neox": ("GPTNeoX", {**GATED, **HEADS, "max_position_embeddings": 64}),
    "bloom": ("Bloom", {"hidden_size": WIDTH, "n_layer": LAYERS, "n_head": 4}),
    "llama": ("Llama", ROTARY),
    "mistral": ("Mistral", {**ROTARY, **SLIDING}),
    "qwen2": ("Qwen2", ROTARY),
    "qwen3": ("Qwen3", GEMMA),
    "gemma": ("Gemma", GEMMA),
    "gemma2": ("Gemma2", {**GEMMA, **SLIDING}),
    "gemma3": ("Gemma3Text", {**GEMMA, **SLIDING}),
    "phi": ("Phi", ROTARY),
    "phi3": ("Phi3", ROTARY),
}
DECODERS = ("gpt2", "neox", "bloom", "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi", "phi3")


@pytest.fixture(scope="session")
def sentences() -> list[str]:
    return list(SENTENCES)


@pytest.fixture(scope="session")
def families() -> dict[str, tuple[str, dict]]:
    return CONFIGS


@pytest.fixture(scope="session")
def tokenizer() -> transformers.PreTrainedTokenizerFast:
    """A BPE tokenizer with <s> and </s> around a sentence."""
    backend = Tokenizer(models.BPE(unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    backend.train_from_iterator(SENTENCES, trainer)
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=64,
    )


def build(family: str, seed: int = 0) -> transformers.PreTrainedModel:
    """Make a random model whose weights are large enough for every part to matter."""
    prefix, options = CONFIGS[family]
    special = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
    config = getattr(transformers, f"{prefix}Config")(vocab_size=300, **special, **options)
    torch.manual_seed(seed)
    model = getattr(transformers, f"{prefix}Model")(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
            elif "embed" not in name:
                parameter.copy_(torch.randn_like(parameter) * parameter.shape[-1] ** -0.5)
    return model


@pytest.fixture(scope="session")
def save_model(tmp_path_factory: pytest.TempPathFactory, tokenizer) -> Callable[..., Path]:
    """Save a tiny model of a family; the same call gives the same folder."""
    made: dict[tuple[str, int], Path] = {}

    def save(family: str, seed: int = 0) -> Path:
        if (family, seed) not in made:
            folder = tmp_path_factory.mktemp(family)
            build(family, seed).save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            made[family, seed] = folder
        return made[family, seed]

    return save


@pytest.fixture(params=list(CONFIGS))
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=DECODERS)
def decoder(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def family_folder(family: str, save_model: Callable[..., Path]) -> Path:
    return save_model(family)


@pytest.fixture
def edit_json() -> Callable[..., None]:
    """Change keys of a JSON file."""

    def edit(path: Path, **changes: object) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return edit
