"""What every model is asked, before and after: retrieval and topics at one layer, in every language."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from benchmarks.realignment.languages import MEASURED, PIVOT
from probes import retrieval_accuracy
from xalign.corpora import ParallelCorpus, load_corpus
from xalign.encoders.encoder import Encoder
from xalign.encoders.pooling import pool, token_weights
from xalign.encoders.tokenizing import Tokens
from xalign.errors import CorpusError
from xalign.realigning.network import AlignedLayers
from xalign.transferring.dividing import Division
from xalign.transferring.topics import Trained, train_topics

TOPIC_SEED = 0
Scores = dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class Texts:
    """FLORES-200 with the topics of SIB-200, by split: one to train on, one to choose by, one to measure on."""

    train: ParallelCorpus
    dev: ParallelCorpus
    test: ParallelCorpus


def load_texts(data: Path) -> Texts:
    """Read the sentences of all languages that take part."""
    corpus = load_corpus(data / "flores200", languages=[PIVOT, *MEASURED], progress=False)
    if not isinstance(corpus, ParallelCorpus):
        raise CorpusError(f"{data / 'flores200'} must be parallel throughout, got a {type(corpus).__name__}")
    return Texts(*(corpus.in_split(split) for split in ("train", "dev", "test")))


@dataclass(frozen=True)
class Examination:
    """The questions, tokenised once for all models with one tokenizer.

    Attributes:
        texts: The sentences.
        encoder: The starting model; its realigned descendants keep its tokenizer.
    """

    texts: Texts
    encoder: Encoder

    @cached_property
    def _tokens(self) -> Tokens:
        test = self.texts.test
        rows = [sentence for language in test.languages for sentence in test.sentences[language]]
        return self.encoder.tokenize([*self.texts.train.sentences[PIVOT], *rows])

    def scores(self, encoder: Encoder, layer: int) -> Scores:
        """Score a model at one layer.

        Returns:
            For each language `retrieval`, P@1 with English (mean of both directions; None for English itself), and
            `topics`, the accuracy of a topic probe that was trained on English.
        """
        vectors = sentence_vectors(encoder, self._tokens, layer)
        train, test = self.texts.train, self.texts.test
        own, tested = vectors[: train.n], vectors[train.n :].reshape(len(test.languages), test.n, -1)
        by_language = dict(zip(test.languages, tested, strict=True))
        pivot = by_language[PIVOT]
        topics = self._topics(own, pivot)
        labels = np.array(test.labels)
        return {
            language: {
                "retrieval": None if language == PIVOT else round(retrieval_accuracy(x, pivot).score, 6),
                "topics": round(float(np.mean(topics.predict(x) == labels)), 6),
            }
            for language, x in by_language.items()
        }

    def _topics(self, own: Float[np.ndarray, "n d"], pivot: Float[np.ndarray, "m d"]) -> Trained:
        rows = np.arange(len(own) + len(pivot))
        division = Division(((rows[: len(own)], rows[len(own) :]),), None, rows, "train and test")
        labels = [*(self.texts.train.labels or ()), *(self.texts.test.labels or ())]
        return train_topics(np.concatenate([own, pivot]), labels, division, seed=TOPIC_SEED).models[0]


def sentence_vectors(encoder: Encoder, tokens: Tokens, layer: int) -> Float[np.ndarray, "n d"]:
    """Return the mean of each sentence's tokens at one layer; nothing above it is computed."""
    network = AlignedLayers(encoder.layered, (layer,))
    found = np.empty((len(tokens.rows), encoder.hidden_size), dtype=np.float32)
    try:
        with torch.inference_mode():
            for rows, ids, mask in encoder.batches(tokens, None):
                (states,) = network([ids], [mask])
                found[rows] = pool(token_weights(mask, ["mean"]), states.view(*ids.shape, -1))[:, 0].numpy()
    finally:
        network.close()
    return found
