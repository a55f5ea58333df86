"""From a name or a folder to an encoder."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import transformers

from xalign.encoders.encoder import Encoder
from xalign.encoders.loading_arguments import LoadingArguments
from xalign.encoders.neuron_sites import SITES
from xalign.encoders.sources import ModelSource, find_source
from xalign.encoders.weights import DTYPES, Placement, choose_device
from xalign.errors import ModelError, UnknownNameError
from xalign.names import nearest

logger = logging.getLogger(__name__)

UNBOUNDED = 512
POSITIONS_AFTER_PADDING = (
    "camembert", "data2vec-text", "ibert", "longformer", "mpnet", "roberta", "roberta-prelayernorm",
    "xlm-roberta", "xlm-roberta-xl", "xmod",
)  # fmt: skip


def load_encoder(  # noqa: PLR0913 - the public signature
    name_or_path: str | Path | None = None,
    *,
    device: str = "auto",
    dtype: str = "auto",
    revision: str | None = None,
    trust_remote_code: bool = False,
    max_length: int | None = None,
    device_map: str | Mapping[str, Any] | None = None,
    neuron_modules: str | None = None,
    neuron_site: str = "gate",
) -> Encoder:
    """Load a transformers or sentence-transformers model to read its activations.

    Encoders, decoders, and the encoder of encoder-decoders. The files are checked, and config and tokenizer read, at
    once; the weights are read at the first forward pass. Only safetensors weights are read.

    Args:
        name_or_path: A folder, a name on the hub, or `"xalign-mini"` or None for the embedded model.
        device: `auto` (cuda, mps, else cpu) or a torch device.
        dtype: `float32`, `bfloat16`, `float16`, or `auto`: float32 on the CPU, else the model's own.
        revision: Branch, tag or commit on the hub.
        trust_remote_code: Let the model's own Python run. Only for models whose code you have read.
        max_length: Tokens read of a sentence, special tokens included; by default what model and tokenizer allow, and
            512 where neither says. It must leave room for one token of the sentence.
        device_map: accelerate's map for models larger than one device: `"auto"`, or module to device. `device` is then
            ignored.
        neuron_modules: Where the FFN neurons of an unknown architecture are, as in `"layers.{}.mlp.act_fn"`.
        neuron_site: In gated FFNs, `gate` for act(gate) or `product` for act(gate) * up.

    Raises:
        ModelError: If the model is not found, is incomplete, is pickled, needs code of its own, or is asked for more
            tokens than it has positions or for no more than its special tokens; the message says what to do.
        UnknownNameError: If a dtype or site does not exist.
    """
    _check_name("dtype", dtype, ("auto", *DTYPES))
    _check_name("neuron_site", neuron_site, SITES)
    source = find_source(name_or_path, revision=revision, code=trust_remote_code)
    config = _load_config(source, trust_remote_code)
    tokenizer = _load_tokenizer(source, trust_remote_code)
    arguments = LoadingArguments(
        device=device,
        dtype=dtype,
        revision=revision,
        trust_remote_code=trust_remote_code,
        max_length=max_length,
        device_map=device_map,
        neuron_modules=neuron_modules,
        neuron_site=neuron_site,
    )
    place = choose_device(device)
    placement = Placement(place, _choose_dtype(dtype, place, device_map, config), device_map, trust_remote_code)
    return Encoder(
        source,
        tokenizer=tokenizer,
        config=config,
        placement=placement,
        arguments=arguments,
        max_length=_choose_length(max_length, source, config, tokenizer),
    )


def _check_name(argument: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise UnknownNameError(f"{argument} must be one of {', '.join(known)}, got {name!r}{nearest(name, known)}")


def _load_config(source: ModelSource, trust_remote_code: bool) -> Any:
    kind = source.config.get("model_type")
    native = kind in transformers.CONFIG_MAPPING
    if not native and "auto_map" in source.config and not trust_remote_code:
        raise ModelError(
            f"{source.name} needs Python code of its own (auto_map in config.json) to run; read that code, "
            "and if you trust it pass trust_remote_code=True"
        )
    if not native and "auto_map" not in source.config:
        raise ModelError(
            f"{source.name}: config.json has the model_type {kind!r}, which transformers {transformers.__version__} "
            "does not know; upgrade transformers, or give a transformers model"
        )
    try:
        return transformers.AutoConfig.from_pretrained(
            source.folder, trust_remote_code=trust_remote_code, local_files_only=True
        )
    except Exception as error:
        raise ModelError(f"{source.name}: transformers cannot read config.json: {error}") from error


def _load_tokenizer(source: ModelSource, trust_remote_code: bool) -> Any:
    try:
        return transformers.AutoTokenizer.from_pretrained(
            source.folder, trust_remote_code=trust_remote_code, local_files_only=True
        )
    except Exception as error:
        raise ModelError(
            f"{source.name}: transformers cannot read the tokenizer in {source.folder}: {error}"
        ) from error


def _choose_dtype(dtype: str, device: str, device_map: Any, config: Any) -> str:
    if dtype != "auto":
        return dtype
    if device == "cpu" and device_map is None:
        return "float32"
    own = str(getattr(config, "dtype", None)).removeprefix("torch.")
    return own if own in DTYPES else "auto"


def _choose_length(asked: int | None, source: ModelSource, config: Any, tokenizer: Any) -> int:
    positions = _positions(config)
    own = _own_length(source, tokenizer, positions) if asked is None else asked
    special = tokenizer.num_special_tokens_to_add()
    if own <= special or (positions is not None and own > positions):
        upper = "" if positions is None else f" and at most {positions}, the positions it has"
        raise ModelError(
            f"max_length must be at least {special + 1} for {source.name} (its tokenizer adds {special} special "
            f"tokens){upper}, got {own}{' from its own settings' if asked is None else ''}"
        )
    return own


def _own_length(source: ModelSource, tokenizer: Any, positions: int | None) -> int:
    limits = [limit for limit in (source.max_length, tokenizer.model_max_length, positions) if limit and limit < 10**9]
    if not limits:
        logger.info("%s sets no maximum length; sentences are cut at %d tokens", source.name, UNBOUNDED)
    return int(min(limits, default=UNBOUNDED))


def _positions(config: Any) -> int | None:
    """Position embeddings that tokens can take; RoBERTa's kind starts counting after the padding id."""
    text = config.get_text_config()
    positions = getattr(text, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions < 1:
        return None
    if config.model_type in POSITIONS_AFTER_PADDING:
        return positions - (text.pad_token_id or 0) - 1
    return positions
