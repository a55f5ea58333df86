"""Texts in, vectors out: by a layer of an encoder or a sentence-transformers folder, loaded once in each process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from xalign.encoders.fingerprints import digest_texts, stamp_of
from xalign.errors import ActivationError, ModelError, SettingError, XalignError
from xalign.selecting.settings import ModelSettings

if TYPE_CHECKING:
    from xalign.encoders import Encoder

PIPELINE = "modules.json"
DEFAULT_POOLING = ModelSettings.pooling
Vectors = tuple[Float[np.ndarray, "n d"], int | None]
Embed = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True, eq=False)
class Embedder:
    """Texts in, vectors out.

    Attributes:
        words: What makes the vectors, for the record.
        key: Hash of all that decides them.
        width: Dimensions.
        embed: A vector a text, float32, and how many texts are longer than the model reads; None where it does not
            tell.
    """

    words: str
    key: str
    width: int
    embed: Embed

    def encode(self, texts: Sequence[str]) -> Float[np.ndarray, "n d"]:
        """Return a vector a text."""
        return self.embed(texts)[0]


def model_settings(
    model: Encoder | str | Path | None, *, layer: int | None, pooling: str, precision: str, device: str
) -> ModelSettings:
    """Name a model such that another process loads the same.

    Raises:
        ModelError: If the encoder is changed by interventions, which no other process would see.
        SettingError: If a pooling or a device map is asked of a sentence-transformers folder's own pipeline.
    """
    from xalign.embedded import MODEL_NAME

    if model is None or isinstance(model, str | Path):
        path = Path(str(model)).expanduser()
        name = MODEL_NAME if model is None else str(path.resolve() if path.is_dir() else model)
        return _checked(ModelSettings(name, json.dumps({"device": device}), layer, pooling, precision))
    if model.n_interventions:
        raise ModelError(f"{model.name} is changed by interventions; save what it becomes, and name that folder")
    path = Path(model.name)
    arguments = json.dumps(model.load_arguments, sort_keys=True)
    name = str(path.resolve() if path.is_dir() else model.name)
    return _checked(ModelSettings(name, arguments, layer, pooling, precision))


def _checked(settings: ModelSettings) -> ModelSettings:
    """Refuse what a pipeline would leave unheard."""
    if not _is_pipeline(settings):
        return settings
    instead = "leave it out, or name a layer, whose states are pooled instead"
    if settings.pooling != DEFAULT_POOLING:
        raise SettingError(
            f"pooling cannot be chosen for {settings.name}, a sentence-transformers folder with a pooling of its own, "
            f"got {settings.pooling!r}; {instead}"
        )
    if settings.loading.get("device_map") is not None:
        raise SettingError(
            f"device_map cannot be used for {settings.name}, a sentence-transformers folder, which runs on one device; "
            f"{instead}"
        )
    return settings


def _is_pipeline(settings: ModelSettings) -> bool:
    return settings.layer is None and (Path(settings.name) / PIPELINE).is_file()


def load_embedder(settings: ModelSettings) -> Embedder:
    """Load a model once in each process, and again if its files change; weights are read for the first text.

    Raises:
        ModelError: If it cannot be loaded or has no such layer.
    """
    return _load(settings, stamp_of(settings.name))


@lru_cache(maxsize=4)
def _load(settings: ModelSettings, _stamp: str) -> Embedder:
    return _pipeline(_checked(settings)) if _is_pipeline(settings) else _layer(settings)


def _layer(settings: ModelSettings) -> Embedder:
    from xalign.encoders import load_encoder

    encoder = load_encoder(settings.name, **settings.loading)
    layer = encoder.n_layers if settings.layer is None else settings.layer
    if not 0 <= layer <= encoder.n_layers:
        raise ModelError(f"layer must be in 0..{encoder.n_layers} of {encoder.name}, got {layer}")

    def embed(texts: Sequence[str]) -> Vectors:
        found = encoder.encode(texts, layers=[layer], pooling=settings.pooling, progress=False)
        return found.layer(layer), found.n_truncated

    def embed_all(texts: Sequence[str]) -> Vectors:
        return embed_each(texts, embed, encoder.hidden_size)

    key = digest_texts(
        [encoder.fingerprint, encoder.tokenizer_fingerprint, *encoder.numerics, str(layer), settings.pooling]
    )
    return Embedder(f"{encoder.name}, layer {layer}, {settings.pooling} pooling", key, encoder.hidden_size, embed_all)


def embed_each(texts: Sequence[str], embed: Embed, width: int) -> Vectors:
    """Embed texts together; where a model refuses one, find it by halves, so that it alone has no vector (NaN).

    Raises:
        XalignError: If it refuses every one of several.
        ValueError: Likewise.
    """
    try:
        return embed(texts)
    except (ActivationError, ValueError) as error:  # not finite, or without a token; what else is wrong, is so with all
        if isinstance(error, XalignError) and not isinstance(error, ActivationError):
            raise
        if len(texts) == 1:
            return np.full((1, width), np.nan, dtype=np.float32), 0
        parts = [embed_each(part, embed, width) for part in (texts[: len(texts) // 2], texts[len(texts) // 2 :])]
        found = np.concatenate([vectors for vectors, _ in parts])
        if np.isnan(found).all():
            raise
        return found, sum_known(n for _, n in parts)


def sum_known(counts: Iterable[int | None]) -> int | None:
    """The sum of counts, None where one of them is not known."""
    known = list(counts)
    return None if None in known else sum(n for n in known if n is not None)


def _pipeline(settings: ModelSettings) -> Embedder:
    from xalign.selecting.models.pipelines import open_pipeline

    found = open_pipeline(settings)
    width = int(found.model.get_embedding_dimension())
    return Embedder(f"{settings.name}, sentence-transformers", found.key(settings.name), width, found.embed)
