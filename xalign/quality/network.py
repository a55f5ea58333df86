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
    pooling = Pooling(transformer.get_embedding_dimension(), POOLING_MODES[source.default_pooling])
    return SentenceTransformer(modules=[transformer, pooling], device=str(encoder.device)).float()
