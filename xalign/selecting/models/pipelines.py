"""A sentence-transformers folder as a whole: its pooling, its dense layers, its normalisation; and what it cuts off."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from xalign.encoders.fingerprints import digest_files, digest_texts
from xalign.errors import ModelError
from xalign.selecting.models.embedders import sum_known

if TYPE_CHECKING:
    from xalign.selecting.settings import ModelSettings


class Pipeline:
    """A loaded folder; made by `open_pipeline`.

    Attributes:
        model: The `SentenceTransformer`.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._read, model.preprocess = model.preprocess, self._counted
        self._n_cut: int | None = 0

    def key(self, folder: str) -> str:
        """Hash of all that decides the vectors."""
        from sentence_transformers import __version__

        files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        kinds = sorted({str(values.dtype) for values in self.model.parameters()})
        return digest_texts(
            [digest_files(files), "sentence-transformers", __version__, str(self.model.max_seq_length), *kinds]
        )

    def embed(self, texts: Sequence[str]) -> tuple[Float[np.ndarray, "n d"], int | None]:
        """Return a vector a text, and how many texts were cut; None where the folder's first module does not tell."""
        self._n_cut = 0
        found = self.model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(found, dtype=np.float32), self._n_cut

    def _counted(self, inputs: list[str], prompt: str | None = None, **options: Any) -> Any:
        """Stand in for the model's `preprocess`, which tokenises a batch, and count what it cuts."""
        features = self._read(inputs, prompt=prompt, **options)
        self._n_cut = sum_known([self._n_cut, self._count_cut(features, inputs, prompt)])
        return features

    def _count_cut(self, features: Any, inputs: list[str], prompt: str | None) -> int | None:
        """Only texts that fill the length are tokenised again, with room for one token more."""
        limit, mask = self.model.max_seq_length, features.get("attention_mask")
        if limit is None or limit == inf:
            return 0
        if mask is None or mask.ndim != 2 or len(mask) != len(inputs):
            return None
        full = [text for text, n in zip(inputs, mask.sum(dim=1).tolist(), strict=True) if n >= limit]
        if not full:
            return 0
        wider = {"text": {"max_length": limit + 1, "truncation": True}}
        longer = self._read(full, prompt=prompt, processing_kwargs=wider)["attention_mask"]
        return int((longer.sum(dim=1) > limit).sum())


def open_pipeline(settings: ModelSettings) -> Pipeline:
    """Load it as `load_encoder` would: on its device, in its dtype (`auto` is float32 on the CPU), up to its length.

    Raises:
        ModelError: If sentence-transformers cannot load it.
    """
    from sentence_transformers import SentenceTransformer

    from xalign.encoders.weights import DTYPES, choose_device

    arguments = settings.loading
    device, name = choose_device(settings.device), arguments.get("dtype") or "auto"
    dtype = DTYPES.get("float32" if name == "auto" and device == "cpu" else name)
    try:
        model: Any = SentenceTransformer(
            settings.name,
            device=device,
            trust_remote_code=bool(arguments.get("trust_remote_code", False)),
            local_files_only=True,
            model_kwargs={} if dtype is None else {"dtype": dtype},
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{settings.name}: sentence-transformers cannot load it: {error}") from error
    if dtype is not None:
        model = model.to(dtype)
    if arguments.get("max_length") is not None:
        model.max_seq_length = arguments["max_length"]
    return Pipeline(model)
