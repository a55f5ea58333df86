"""Any encoder as a sentence-transformers model without a head: its transformer and its pooling, nothing else."""

from __future__ import annotations

from typing import Any

from xalign.encoders.encoder import Encoder
from xalign.encoders.weights import quiet

POOLING_MODES = {"mean": "mean", "cls": "cls", "last": "lasttoken", "weighted": "weightedmean"}


def build_network(encoder: Encoder) -> Any:
    """Build the model that is trained, with weights read anew.

    Args:
        encoder: Whose files, pooling, maximum length and device are taken. Dense layers and normalisation of a
            sentence-transformers folder are left out: the distance is that of pooled vectors.

    Returns:
        A `SentenceTransformer`.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    source = encoder.source
    with quiet():
        transformer = Transformer(
            str(source.folder),
            max_seq_length=encoder.max_length,
            do_lower_case=source.lowercase,
        )
    _name_padding(transformer.tokenizer, encoder.config)
    pooling = Pooling(transformer.get_embedding_dimension(), POOLING_MODES[source.default_pooling])
    return SentenceTransformer(modules=[transformer, pooling], device=str(encoder.device)).float()


def _name_padding(tokenizer: Any, config: Any) -> None:
    """Let a tokenizer that names no padding, as many decoders', pad with the model's, or else with what ends a text."""
    if tokenizer.pad_token is None:
        known = (getattr(config, "pad_token_id", None), tokenizer.eos_token_id, tokenizer.unk_token_id)
        padding = next((token for token in known if token is not None), 0)
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(padding)
