"""What a decoder does between its last block and its prediction: final norm, unembedding, scale and cap."""

from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import nn

from xalign.encoders.encoder import Encoder
from xalign.encoders.layered import LayeredModel
from xalign.encoders.weights import check_complete, check_whole, read_weights
from xalign.errors import ModelError


@dataclass(frozen=True, eq=False)
class DecoderHead:
    """What a decoder does with the states of its last block.

    Attributes:
        norm: Its final norm, or nothing.
        unembedding: From states to logits.
        scale: What the logits are multiplied by.
        cap: Gemma's soft cap of the logits, or None.
    """

    norm: nn.Module
    unembedding: nn.Module
    scale: float
    cap: float | None

    @property
    def vocabulary(self) -> int:
        """How many tokens can be predicted."""
        return int(next(self.unembedding.parameters()).shape[0])

    def probabilities(self, states: torch.Tensor, *, normed: bool) -> torch.Tensor:
        """Return the distribution of the next token, in float32."""
        logits = self.unembedding(states if normed else self.norm(states)) * self.scale
        if self.cap is not None:
            logits = self.cap * torch.tanh(logits / self.cap)
        return logits.float().softmax(dim=-1)


def check_decoder(encoder: Encoder, *, what: str = "the logit lens") -> None:
    """Refuse encoders and encoder-decoders.

    Args:
        encoder: Of the model.
        what: What needs a decoder, for the error.

    Raises:
        ModelError: If the model does not predict the next token from those before.
    """
    config, auto = encoder.config, transformers.models.auto.modeling_auto
    causal = type(config) in auto.MODEL_FOR_CAUSAL_LM_MAPPING
    causal |= "AutoModelForCausalLM" in (getattr(config, "auto_map", None) or {})
    two_sided = type(config) in auto.MODEL_FOR_MASKED_LM_MAPPING and not getattr(config, "is_decoder", False)
    if not causal or two_sided or getattr(config, "is_encoder_decoder", False):
        raise ModelError(
            f"{encoder.name}: {what} is for decoders, models that predict the next token from those before, "
            f"and {encoder.architecture} is none; give a causal language model (Llama, Qwen, Gemma, GPT-2, BLOOM, ...)"
        )


def load_with_head(encoder: Encoder) -> Any:
    """Load the weights of an encoder's model once more, with the language-model head.

    Raises:
        ModelError: If transformers cannot load them, or weights that are needed, the head among them, are missing.
    """
    source, placement = encoder.source, encoder.placement
    model, report = read_weights(transformers.AutoModelForCausalLM, source, encoder.config, placement)
    unembedding = model.get_output_embeddings()
    names = {name for name, module in model.named_modules() if module is unembedding}
    if any(key.rpartition(".")[0] in names for key in report["missing_keys"]):
        raise ModelError(
            f"{source.name}: the weights hold no language-model head ({', '.join(sorted(names))}), through which the "
            "next token is predicted; save the model with it (AutoModelForCausalLM, save_pretrained)"
        )
    check_complete(source, report)
    check_whole(source, model, report)
    model.config.use_cache = False
    if placement.device_map is None:
        model = model.to(placement.device)
    return model.eval().requires_grad_(False)


def find_head(encoder: Encoder, model: Any, layered: LayeredModel, ids: torch.Tensor) -> DecoderHead:
    """Find final norm, scale and cap, and check that with them the last block gives the model's own prediction.

    Raises:
        ModelError: If it does not.
    """
    last, final, norm = _find_norm(layered, ids)
    unembedding, expected = model.get_output_embeddings(), model(input_ids=ids).logits.float()
    cap = getattr(encoder.config.get_text_config(), "final_logit_softcapping", None)
    plain = unembedding(final).float().to(expected.device)
    scale = float((plain * expected).sum() / (plain * plain).sum()) if cap is None else 1.0
    head = DecoderHead(norm, unembedding, 1.0 if abs(scale - 1) < 1e-3 else scale, cap)
    found = head.probabilities(last, normed=False).to(expected.device)
    rounding = 1e-3 if next(model.parameters()).dtype == torch.float32 else 0.25
    if not torch.allclose(found.log(), expected.log_softmax(dim=-1), atol=rounding):
        raise ModelError(
            f"{encoder.name}: {encoder.architecture} does more than a norm and an unembedding between its last block "
            "and its prediction; the logit lens cannot read it"
        )
    return head


def _find_norm(layered: LayeredModel, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, nn.Module]:
    """Return the last block's states, the model's output states, and the module that makes these of those."""
    blocks = layered.blocks
    inside = {id(module) for block in blocks for module in block.modules()}
    outputs: dict[nn.Module, Any] = {}

    def keep(module: nn.Module, _args: tuple, output: Any) -> None:
        outputs[module] = output[0] if isinstance(output, tuple) else output

    watched = [module for module in layered.module.modules() if id(module) not in inside and module is not blocks]
    handles = [module.register_forward_hook(keep) for module in [*watched, *blocks[-1:]]]
    try:
        final = layered.module(input_ids=ids, attention_mask=torch.ones_like(ids))[0]
    finally:
        for handle in handles:
            handle.remove()
    last = outputs.get(blocks[-1]) if blocks else None
    names = type(layered.module).__name__
    if last is None:
        raise ModelError(f"{names}: its blocks were not found, so the logit lens cannot tell where its final norm is")
    others = [module for module in outputs if module is not blocks[-1] and module is not layered.module]
    for module in [*(module for module in others if _same(outputs[module], final)), nn.Identity()]:
        if _same(module(last), final):
            return last, final, module
    raise ModelError(
        f"{names}: no module makes its output of its last block's states; the logit lens needs a final norm"
    )


def _same(found: Any, expected: torch.Tensor) -> bool:
    if not isinstance(found, torch.Tensor) or found.shape != expected.shape:
        return False
    return torch.allclose(found.float(), expected.to(found.device).float(), rtol=1e-3, atol=1e-5)
