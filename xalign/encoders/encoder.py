"""A model that turns sentences into the activations of every layer, in one forward pass."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
import transformers
from tqdm import tqdm

from probes.language_neurons import FiringCounts
from xalign.encoders.activations import Activations, MemoryBlock
from xalign.encoders.batching import pad_right, plan_batches
from xalign.encoders.collection import Collector, FiringCounter
from xalign.encoders.fingerprints import digest_files, digest_texts
from xalign.encoders.layered import LayeredModel, examine
from xalign.encoders.loading_arguments import LoadingArguments
from xalign.encoders.neuron_sites import NeuronSite
from xalign.encoders.request import Request, make_request
from xalign.encoders.sources import ModelSource
from xalign.encoders.tokenizing import Tokens, tokenize
from xalign.encoders.weights import Placement, load_weights
from xalign.errors import ActivationError, ModelError

BLOCK_SENTENCES = 2048


class Encoder:
    """A model and its tokenizer; made by `load_encoder`.

    The files are checked and the tokenizer is read at once; the weights are read when they are first needed.

    Attributes:
        name: As it was asked for.
        revision: The commit, for a model from the hub, else None.
        architecture: Its class by its config, such as `BertModel`.
        n_layers: Number of blocks; layers are 0 (embeddings) to `n_layers`.
        hidden_size: Width of a layer.
        max_length: Tokens read of a sentence, special tokens included.
        dtype: `float32`, `bfloat16`, `float16`, or `auto` where the model's own is not in its config.
        device: The device asked for.
        default_pooling: The pooling its makers use, where they say.
        prompts: Their prompts by name; never applied unasked.
        default_prompt_name: The prompt they apply by default, or None.
        tokenizer: The transformers tokenizer.
        config: The transformers config.
        n_interventions: How many `intervened` are in force; while there is one, nothing enters or leaves the cache.
    """

    def __init__(
        self,
        source: ModelSource,
        *,
        tokenizer: Any,
        config: Any,
        placement: Placement,
        arguments: LoadingArguments,
        max_length: int,
    ) -> None:
        self.name, self.revision = source.name, source.revision
        self.tokenizer, self.config, self.max_length = tokenizer, config, max_length
        self.architecture = (config.architectures or [f"({config.model_type})"])[0]
        text = config.get_text_config()
        self.n_layers, self.hidden_size = int(text.num_hidden_layers), int(text.hidden_size)
        self.device, self.dtype = placement.device, placement.dtype
        self.default_pooling, self.prompts = source.default_pooling, dict(source.prompts)
        self.default_prompt_name = source.default_prompt_name
        self.source, self.placement, self._arguments = source, placement, arguments
        self.n_interventions = 0

    def __repr__(self) -> str:
        shape = f"{self.n_layers} layers of {self.hidden_size}"
        return f"Encoder({self.name!r}, {self.architecture}, {shape}, {self.device}, {self.dtype})"

    @cached_property
    def fingerprint(self) -> str:
        """Hash of weights, config and code; for a model from the hub, of its name and commit."""
        if self.revision is not None:
            return digest_texts(["hub", self.name, self.revision])
        source = self.source
        return digest_files([source.folder / "config.json", *source.weights, *source.code_files])

    @cached_property
    def tokenizer_fingerprint(self) -> str:
        """Hash of the tokenizer's files."""
        return digest_texts([digest_files(self.source.tokenizer_files), str(self.source.lowercase)])

    @property
    def numerics(self) -> tuple[str, ...]:
        """What besides the files decides the numbers: dtype, maximum length, where neurons are read, and versions.

        Of torch and transformers: after an upgrade of either, the cache computes again.
        """
        site, pattern = self._arguments.neuron_site, self._arguments.neuron_modules or ""
        return (self.dtype, str(self.max_length), site, pattern, torch.__version__, transformers.__version__)

    @property
    def load_arguments(self) -> dict[str, Any]:
        """How `load_encoder` was called, besides the name: as passed, before `auto` is resolved; JSON can hold it."""
        return self._arguments.as_json()

    @property
    def model(self) -> torch.nn.Module:
        """The torch module (of an encoder-decoder, the encoder). Loads the weights."""
        return self.layered.module

    @property
    def n_neurons(self) -> int | None:
        """FFN neurons of a block; None where xalign does not know the place. Loads the weights."""
        return self.layered.n_neurons

    @property
    def neuron_sites(self) -> tuple[NeuronSite, ...]:
        """Where the FFN neurons of blocks 1 to `n_layers` are read. Loads the weights.

        Raises:
            ModelError: If xalign does not know the place.
        """
        if self.layered.n_neurons is None:
            raise ModelError(f"{self.name}: {self.layered.neuron_error}")
        return self.layered.sites

    def tokenize(self, sentences: Sequence[str]) -> Tokens:
        """Tokenise sentences as `encode` does.

        Raises:
            ValueError: If there is no sentence, or one is blank or gives no token.
        """
        return tokenize(self.tokenizer, sentences, max_length=self.max_length, lowercase=self.source.lowercase)

    def encode(
        self,
        sentences: Sequence[str],
        *,
        layers: Sequence[int] | None = None,
        pooling: str | Sequence[str] = "mean",
        neurons: str | Sequence[str] | None = None,
        batch_tokens: int | None = None,
        progress: bool = True,
    ) -> Activations:
        """Read the activations of sentences, every layer in one forward pass.

        Poolings and neuron statistics count the tokens that the attention mask marks, special tokens included. Hidden
        states are those of transformers: 0 is the embedding output, and the last includes the final norm of models that
        have one. A sentence's numbers do not depend on its batch (1e-5 in float32).

        Args:
            sentences: Any number of them, none blank.
            layers: Layer numbers in 0..n_layers, kept in ascending order; all if None.
            pooling: `mean`, `cls` (first token), `last` (last token), `weighted` (t-th token by t / sum t), or several.
            neurons: `nas` (position-weighted share of tokens with act > 0), `nav` (position-weighted mean of |act|),
                `share` (plain share of tokens with act > 0), `max` (largest act over tokens), several, or None.
            batch_tokens: Padded tokens of a batch; by default 1024 on the CPU, where larger ones fall out of its caches
                (8192 take 1.7 times as long), and 8192 elsewhere.
            progress: Show a bar on stderr.

        Returns:
            Layers and neurons in float32, rows in the order of `sentences`.

        Raises:
            UnknownNameError: If a layer, pooling or statistic does not exist.
            ValueError: If there is no sentence, or one is blank or gives no token.
            ModelError: If the weights cannot be loaded, the tokenizer gives ids that the model has no embedding for, or
                neurons are asked of a model whose FFN is not known.
            ActivationError: If a value is NaN or infinite; the message names model, layer and sentence.

        References:
            Huang et al. (2025), NeuronXA, for NAS and NAV. Tang et al. (2024), LAPE, for `share`. Suau et al. (2022),
            Self-conditioning Pre-Trained Language Models, for `max`. Muennighoff (2022), SGPT, for `weighted`.
        """
        request = make_request(self.n_layers, layers, pooling, neurons)
        block = self.encode_request(sentences, request, batch_tokens=batch_tokens, progress=progress)
        return Activations(request.layers, request.poolings, request.statistics, (block,))

    def count_firing(
        self,
        sentences: Iterable[str],
        *,
        language: str = "",
        layers: Sequence[int] | None = None,
        batch_tokens: int | None = None,
        progress: bool = True,
    ) -> FiringCounts:
        """Count in how many tokens each FFN neuron fires (activation > 0), keeping nothing of a sentence.

        For corpora larger than memory: sentences are taken from `sentences` 2048 at a time. Counts of several languages
        or shards are put together with `merge`, and `finish` finds the neurons that are specific to a language.

        Args:
            sentences: Any number of them, none blank; any iterable, for example lines of a file.
            language: Under which name to count them.
            layers: Layer numbers in 1..n_layers; all if None.
            batch_tokens: As in `encode`.
            progress: Show a bar on stderr.

        Returns:
            Counts of one language over the tokens that the attention mask marks, special tokens included.

        Raises:
            XalignError: As in `encode`.
            ValueError: If there is no sentence, or one is blank or gives no token.

        References:
            Tang et al. (2024), Language-Specific Neurons, https://arxiv.org/abs/2402.16438.
        """
        request = make_request(self.n_layers, layers, "mean", "share")
        last = Request((self.n_layers,), ("mean",), ())
        counter = FiringCounter(self._layered_for(request), layers=request.neuron_layers)
        bar = tqdm(desc=language or self.name, unit=" sentences", disable=not progress, leave=False)
        with bar, counter, torch.inference_mode():
            for start, tokens in self._token_blocks(sentences):
                for rows, ids, mask in self.batches(tokens, batch_tokens):
                    self.check_finite("mean", counter.run(ids, mask)[None], last, start + rows)
                    bar.update(len(rows))
        return FiringCounts(
            counter.counts[:, :, None], np.array([counter.n_tokens]), (language,), request.neuron_layers
        )

    def encode_request(
        self, sentences: Sequence[str], request: Request, *, batch_tokens: int | None, progress: bool, label: str = ""
    ) -> MemoryBlock:
        """Do `encode` for what is already checked; `label` names the progress bar."""
        layered, tokens = self._layered_for(request), self.tokenize(sentences)
        arrays: dict[str, np.ndarray] = {}
        bar = tqdm(total=len(sentences), desc=label or self.name, unit=" sentences", disable=not progress, leave=False)
        collector = Collector(layered, layers=request.layers, poolings=request.poolings, statistics=request.statistics)
        with bar, collector, torch.inference_mode():
            for rows, ids, mask in self.batches(tokens, batch_tokens):
                found = collector.run(ids, mask)
                for name, values in found.items():
                    self.check_finite(name, values, request, rows)
                    _place(arrays, name, values, rows, len(sentences))
                bar.update(len(rows))
        return MemoryBlock(arrays, tokens.n_tokens, tokens.truncated, np.array([len(row) for row in tokens.rows]))

    @cached_property
    def layered(self) -> LayeredModel:
        """The model with the places where its layers and neurons pass. Loads the weights."""
        module = load_weights(self.source, self.config, self.placement)
        rows = self.tokenize(["a b"]).rows
        self.check_ids(module, rows)
        ids = torch.tensor(rows, device=_input_device(module))
        layered = examine(module, ids, site=self._arguments.neuron_site, pattern=self._arguments.neuron_modules)
        if layered.n_layers != self.n_layers:
            raise ModelError(
                f"{self.name}: config.json speaks of {self.n_layers} layers, the model has {layered.n_layers}"
            )
        return layered

    def _layered_for(self, request: Request) -> LayeredModel:
        if request.statistics:
            self.neuron_sites  # noqa: B018 - refuses a model whose neurons are not known
        return self.layered

    def check_ids(self, module: torch.nn.Module, rows: list[list[int]]) -> None:
        """Compare the largest id with the embeddings, before a forward pass fails on it (on a GPU for good)."""
        size, largest = getattr(_embeddings(module), "num_embeddings", None), max(map(max, rows))
        if size is not None and largest >= size:
            raise ModelError(
                f"{self.name}: the tokenizer {type(self.tokenizer).__name__} in {self.source.folder} gives token id "
                f"{largest}, but the model has embeddings for 0..{size - 1} only; the tokenizer is of another model, "
                "or tokens were added without resizing the model's embeddings"
            )

    def _token_blocks(self, sentences: Iterable[str]) -> Iterator[tuple[int, Tokens]]:
        """Tokenise some sentences after the others; yields the number of the first of each block, and its tokens."""
        if isinstance(sentences, str):
            raise TypeError("sentences must be strings one after another, got one string; put it into a list")
        left = iter(sentences)
        for start in itertools.count(step=BLOCK_SENTENCES):
            block = list(itertools.islice(left, BLOCK_SENTENCES))
            if start and not block:
                return
            try:
                yield start, self.tokenize(block)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{error} (counted from sentence {start} on)" if start else str(error)) from error

    def batches(
        self, tokens: Tokens, batch_tokens: int | None
    ) -> Iterator[tuple[np.ndarray, torch.Tensor, torch.Tensor]]:
        """Yield the rows of each batch with its ids and mask, on the model's device."""
        module = self.layered.module
        self.check_ids(module, tokens.rows)
        device, pad_id = _input_device(module), _pad_id(self.tokenizer, self.config)
        budget = _default_budget(module) if batch_tokens is None else batch_tokens
        for rows in plan_batches([len(row) for row in tokens.rows], batch_tokens=budget):
            ids, mask = pad_right([tokens.rows[row] for row in rows], pad_id=pad_id)
            yield rows, torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)

    def check_finite(self, name: str, values: np.ndarray, request: Request, rows: np.ndarray) -> None:
        """Refuse activations that are NaN or infinite; `rows` are the sentences' numbers."""
        if np.isfinite(values).all():
            return
        index, row = np.argwhere(~np.isfinite(values).all(axis=2))[0]
        numbers = request.neuron_layers if name in request.statistics else request.layers
        what = "neurons of layer" if name in request.statistics else "layer"
        raise ActivationError(
            f"{self.name}: {what} {numbers[index]} gave NaN or infinite values for sentence {rows[row]} (from 0) "
            f"in {self.dtype}; try dtype='float32', or look for damaged weights"
        )


def _default_budget(module: torch.nn.Module) -> int:
    return 1024 if _input_device(module).type == "cpu" else 8192


def _place(arrays: dict[str, np.ndarray], name: str, values: np.ndarray, rows: np.ndarray, n: int) -> None:
    if name not in arrays:
        arrays[name] = np.empty((values.shape[0], n, values.shape[2]), dtype=np.float32)
    arrays[name][:, rows] = values


def _embeddings(module: torch.nn.Module) -> torch.nn.Module | None:
    try:
        return getattr(module, "get_input_embeddings", lambda: None)()
    except NotImplementedError:
        return None


def _input_device(module: torch.nn.Module) -> torch.device:
    embeddings = _embeddings(module)
    for parameter in (embeddings or module).parameters():
        if parameter.device.type != "meta":
            return parameter.device
    hook = getattr(embeddings or module, "_hf_hook", None)
    return torch.device(getattr(hook, "execution_device", None) or "cpu")


def _pad_id(tokenizer: Any, config: Any) -> int:
    known = (tokenizer.pad_token_id, getattr(config, "pad_token_id", None))
    return next((token for token in known if token is not None), 0)
