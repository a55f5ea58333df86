"""The network of xalign-mini: an XLM-RoBERTa encoder, and the linear maps that only training uses."""

import json
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import XLMRobertaConfig, XLMRobertaModel

from xalign.embedded.training.recipe import Recipe
from xalign.embedded.training.tokenizer import BEGIN, END, PAD

LONGEST_INPUT = 256


class Student(nn.Module):
    """The encoder that is shipped, with a head towards the teacher and a pooling of embeddings that are not.

    Args:
        recipe: Sizes and dropout.
        teacher_width: Of the teacher's vectors.
    """

    def __init__(self, recipe: Recipe, teacher_width: int):
        super().__init__()
        self.encoder = XLMRobertaModel(encoder_config(recipe), add_pooling_layer=False)
        self.encoder.set_attn_implementation("eager")  # on a CPU, faster than fused attention for short sentences
        self.encoder.embeddings.dropout.p = recipe.dropout
        self.encoder.embeddings.LayerNorm.requires_grad_(False)
        self.head = nn.Linear(recipe.width, teacher_width)
        self.pool_score = nn.Linear(recipe.width, 1, bias=False)
        self.pool_map = nn.Linear(recipe.width, recipe.width, bias=False)
        with torch.no_grad():
            self.encoder.embeddings.position_embeddings.weight.zero_()
            self.pool_score.weight.zero_()
            self.pool_map.weight.copy_(torch.eye(recipe.width))

    @torch.no_grad()
    def begin_layers(self, gain: float) -> None:
        """Let every layer begin as the first stage's pooling: each position moves towards the sentence's vector.

        Each attention head weighs positions by the learned score (a constant query, the score's direction as the key)
        and adds the mapped average, times the gain, to every position. Feed-forward blocks begin at zero.

        Args:
            gain: How far one layer moves the positions.
        """
        for layer in self.encoder.encoder.layer:
            attention = layer.attention.self
            first = torch.arange(attention.num_attention_heads) * attention.attention_head_size
            attention.query.bias[first] = attention.attention_head_size**0.5
            attention.key.weight[first] = self.pool_score.weight
            attention.value.weight.copy_(self.pool_map.weight)
            layer.attention.output.dense.weight.copy_(gain * torch.eye(self.pool_map.out_features))
            layer.output.dense.weight.zero_()

    def embed_pieces(self, ids: Tensor) -> Tensor:
        """Sentence vectors of the embeddings: a weighted average over positions, mapped linearly.

        The weights are a softmax over the sentence of a linear score; neither score nor map is part of the encoder.
        """
        hidden = self.encoder.embeddings(input_ids=ids)
        score = self.pool_score(hidden).masked_fill((ids == PAD)[..., None], float("-inf"))
        return self.pool_map((score.softmax(dim=1) * hidden).sum(dim=1))

    def embed(self, ids: Tensor) -> Tensor:
        """Sentence vectors of the last layer."""
        mask = ids != PAD
        return masked_mean(self.encoder(ids, attention_mask=mask.long()).last_hidden_state, mask)


def masked_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    """Average over the positions where the mask is true, in float32."""
    weights = mask[..., None].float()
    return (hidden.float() * weights).sum(dim=1) / weights.sum(dim=1)


def encoder_config(recipe: Recipe) -> XLMRobertaConfig:
    """The configuration `AutoModel` reads."""
    return XLMRobertaConfig(
        vocab_size=recipe.vocabulary,
        hidden_size=recipe.width,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.feed_forward,
        max_position_embeddings=LONGEST_INPUT + 2,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=PAD,
        bos_token_id=BEGIN,
        eos_token_id=END,
    )


def save_encoder(student: Student, weights: dict[str, Tensor], folder: Path) -> None:
    """Write the encoder with the given weights, stored in float16 and loaded as float32.

    The pooler that `AutoModel` expects on top passes the first position on (its weight is the identity).

    Args:
        student: Gives the configuration.
        weights: State of a student.
        folder: Gets `config.json` and `model.safetensors`.
    """
    encoder = XLMRobertaModel(student.encoder.config)
    prefix, width = "encoder.", encoder.config.hidden_size
    state = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    encoder.load_state_dict(state | {"pooler.dense.weight": torch.eye(width), "pooler.dense.bias": torch.zeros(width)})
    encoder.half().save_pretrained(str(folder))
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | {"dtype": "float32"}
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
