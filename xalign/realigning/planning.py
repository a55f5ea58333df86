"""What a training is, fixed and checked before the first forward pass."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from xalign.corpora.bitexts import Corpus
from xalign.corpora.languages import resolve_language
from xalign.corpora.parallel import Pair
from xalign.encoders.encoder import Encoder
from xalign.encoders.loading_arguments import LoadingArguments
from xalign.encoders.weights import Placement
from xalign.errors import SettingError
from xalign.realigning.low_rank import require_peft
from xalign.realigning.preparing import WordPairs, describe_links, describe_text
from xalign.realigning.sentence_pairs import sentence_pairs
from xalign.realigning.settings import RealignmentSettings
from xalign.realigning.watching import HeldOut


@dataclass(frozen=True, eq=False)
class Plan:
    """A model, sentences and settings that fit each other.

    Attributes:
        encoder: The starting model.
        reader: The same, reading no more of a sentence than training does.
        pairs: The sentences of each language.
        watched: Held-out sentences of each language, or None.
        settings: How to train.
        layers: Numbers of the aligned layers, ascending.
        pivot: Its code.
    """

    encoder: Encoder
    reader: Encoder
    pairs: Mapping[str, Pair]
    watched: Mapping[str, Pair] | None
    settings: RealignmentSettings
    layers: tuple[int, ...]
    pivot: str

    def run(self, word_pairs: WordPairs | None, *, n_processes: int) -> dict[str, Any]:
        """Return all that decides the result, as JSON can hold it."""
        settings = {name: value for name, value in self.settings.as_json().items() if name != "save_every"}
        return {
            "model": self.encoder.fingerprint,
            "tokenizer": self.encoder.tokenizer_fingerprint,
            "text": describe_text(self.pairs),
            "held_out": None if self.watched is None else describe_text(self.watched),
            "pivot": self.pivot,
            "word_pairs": describe_links(self.pairs, word_pairs) if self.settings.aligns_words else None,
            "settings": settings,
            "n_processes": n_processes,
        }

    def fresh(self) -> Encoder:
        """Return the starting model with weights of its own, read anew, in float32."""
        encoder = self.encoder
        placement = Placement(encoder.device, "float32", None, encoder.placement.trust_remote_code)
        return Encoder(
            encoder.source,
            tokenizer=encoder.tokenizer,
            config=copy.deepcopy(encoder.config),
            placement=placement,
            arguments=LoadingArguments(),
            max_length=self.reader.max_length,
        )

    @property
    def pad_id(self) -> int:
        """What rows are filled with; it is masked."""
        known = (self.encoder.tokenizer.pad_token_id, getattr(self.encoder.config, "pad_token_id", None))
        return next((token for token in known if token is not None), 0)

    def held_out(self) -> HeldOut | None:
        """Return what is watched, tokenised."""
        if self.watched is None:
            return None
        return HeldOut(
            self.reader, self.watched, pad_id=self.pad_id, pooling=self.settings.pooling, most=self.settings.n_watched
        )


def make_plan(
    encoder: Encoder,
    corpus: Corpus,
    languages: Sequence[str],
    settings: RealignmentSettings,
    *,
    pivot: str,
    held_out: Corpus | None,
) -> Plan:
    """Check that model, sentences and settings fit each other.

    Raises:
        CorpusError: If a corpus lacks the pivot.
        UnknownNameError: If it lacks a language, or the model a layer.
        SettingError: If `max_length` leaves no room for a word, or the device does not have the precision.
        RealignmentError: If low rank is asked for without peft.
    """
    layers = settings.layer_numbers(encoder.n_layers)
    if settings.lora_rank is not None:
        require_peft()
    if settings.precision == "float16" and torch.device(encoder.device).type == "cpu":
        raise SettingError("precision must be float32 or bfloat16 on the CPU, got 'float16'; that needs a GPU")
    special = encoder.tokenizer.num_special_tokens_to_add()
    if settings.max_length <= special:
        raise SettingError(
            f"max_length must be at least {special + 1} for {encoder.name} (its tokenizer adds {special} special "
            f"tokens), got {settings.max_length}"
        )
    reader = copy.copy(encoder)
    reader.max_length = min(settings.max_length, encoder.max_length)
    pairs = sentence_pairs(corpus, languages, pivot=pivot)
    watched = None if held_out is None else sentence_pairs(held_out, list(pairs), pivot=pivot)
    return Plan(encoder, reader, pairs, watched, settings, layers, resolve_language(pivot).code)
