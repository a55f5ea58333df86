"""What a sentence-transformers folder says of its Transformer module."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xalign.encoders.model_files import read_json, read_optional_json
from xalign.errors import ModelError

logger = logging.getLogger(__name__)

SENTENCE_POOLINGS = {"mean": "mean", "cls": "cls", "lasttoken": "last", "weightedmean": "weighted"}
LEGACY_POOLINGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


def read_sentence_settings(root: Path) -> dict[str, Any]:
    """Read what a sentence-transformers folder says of its Transformer module; empty for other folders."""
    if not (root / "modules.json").is_file():
        return {}
    modules = _read_modules(root / "modules.json")
    first = modules[0]
    if not str(first["type"]).endswith("Transformer"):
        raise ModelError(
            f"{root}: its first module must be a Transformer, got {first['type']}, which has no layers to read"
        )
    poolings = [module["path"] for module in modules if str(module["type"]).endswith(".Pooling")]
    pooling = _sentence_pooling(read_optional_json(root / poolings[0] / "config.json")) if poolings else "mean"
    text = read_optional_json(root / first["path"] / "sentence_bert_config.json")
    whole = read_optional_json(root / "config_sentence_transformers.json")
    return {
        "path": first["path"],
        "max_length": text.get("max_seq_length"),
        "lowercase": bool(text.get("do_lower_case", False)),
        "default_pooling": pooling,
        "prompts": {key: value for key, value in (whole.get("prompts") or {}).items() if value},
        "default_prompt_name": whole.get("default_prompt_name"),
    }


def _read_modules(path: Path) -> list[dict[str, Any]]:
    modules = read_json(path)
    if not isinstance(modules, list) or not modules or not all(map(_is_module, modules)):
        raise ModelError(
            f"{path} must list at least one module, each with a 'type' and a 'path', got {str(modules)[:100]}; fetch "
            "the model again, or delete the file if the folder is a transformers model"
        )
    return modules


def _is_module(module: Any) -> bool:
    return isinstance(module, dict) and isinstance(module.get("type"), str) and isinstance(module.get("path"), str)


def _sentence_pooling(config: Mapping[str, Any]) -> str:
    mode = config.get("pooling_mode") or [name for flag, name in LEGACY_POOLINGS.items() if config.get(flag)]
    modes = [mode] if isinstance(mode, str) else list(mode)
    if len(modes) == 1 and modes[0] in SENTENCE_POOLINGS:
        return SENTENCE_POOLINGS[modes[0]]
    logger.warning(
        "the model's own pooling %s is not one of xalign's; its default here is mean", modes or "(none named)"
    )
    return "mean"
