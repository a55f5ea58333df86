"""One way of measuring a model, used before and after: probes and topics of the same sentences."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xalign.corpora import Corpus
from xalign.encoders import ActivationCache, Encoder
from xalign.encoding import EncodingRequest
from xalign.errors import SettingError, XalignError
from xalign.probing import probe
from xalign.realigning.topics import TopicHits, TopicTask, score_topics
from xalign.report import ProbeReport
from xalign.settings import ProbeSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Measured:
    """A model and what was found of it.

    Attributes:
        encoder: The model.
        report: Its probes' scores.
        topics: How well its topics are recognised; None where the text has no task.
    """

    encoder: Encoder
    report: ProbeReport
    topics: TopicHits | None


@dataclass(frozen=True)
class Measuring:
    """How a model is measured; the arguments are those of `xalign.probe`.

    Raises:
        SettingError: If a number cannot be used.
        UnknownNameError: If a probe is unknown.
    """

    probes: tuple[str, ...]
    pivot: str
    pooling: str
    n_permutations: int
    n_resamples: int
    seed: int
    cache: ActivationCache | None
    progress: bool

    def __post_init__(self) -> None:
        if self.n_resamples < 2:
            raise SettingError(f"n_resamples must be at least 2, got {self.n_resamples}")
        _ = self._settings

    @property
    def probe(self) -> str:
        """The headline's: retrieval, which is read most easily, or else the first."""
        names = [measure.name for measure in self._settings.measures]
        return "retrieval" if "retrieval" in names else names[0]

    @property
    def _settings(self) -> ProbeSettings:
        return ProbeSettings(
            probes=self.probes, languages=None, layers=None, pivot=self.pivot, pooling=self.pooling, transform="none",
            n_permutations=self.n_permutations, n_resamples=self.n_resamples, seed=self.seed,
        )  # fmt: skip

    def report(self, encoder: Encoder, text: Corpus, **changes: Any) -> ProbeReport:
        """Probe a model; `changes` are other arguments of `xalign.probe` for this once."""
        arguments: dict[str, Any] = {
            "probes": self.probes,
            "pivot": self.pivot,
            "pooling": self.pooling,
            "n_permutations": self.n_permutations,
            "n_resamples": self.n_resamples,
            "seed": self.seed,
            "cache": False if self.cache is None else self.cache,
            "progress": self.progress,
        }
        return probe(encoder, text, **(arguments | changes))

    def kept_report(self, encoder: Encoder, text: Corpus, folder: Path) -> ProbeReport | None:
        """Return the report that stands in a folder if this very measurement made it, else None."""
        try:
            kept = ProbeReport.load(folder)
        except XalignError:
            return None
        if not self._is_same(kept.run, encoder, text):
            return None
        logger.info("the report in %s is of the same model, text and arguments; it is kept", folder)
        return kept

    def topics(self, encoder: Encoder, task: TopicTask) -> TopicHits:
        """Score the task that topics make."""
        measures = self._settings.measures
        statistics = tuple(sorted({measure.reads for measure in measures if measure.reads_neurons}))
        return score_topics(encoder, task, EncodingRequest(None, self.pooling, statistics, self.cache, self.progress))

    def as_json(self) -> dict[str, Any]:
        """The arguments as JSON can hold them."""
        names = ("pivot", "pooling", "n_permutations", "n_resamples", "seed")
        return {"probes": list(self.probes)} | {name: getattr(self, name) for name in names}

    def _is_same(self, run: Mapping[str, Any], encoder: Encoder, text: Corpus) -> bool:
        """Compare all that decides a report's numbers, languages and their order included."""
        from xalign.run_facts import describe_run

        mine = json.loads(json.dumps(describe_run(encoder, text, self._settings, {})))
        same_model = all(run["model"][key] == mine["model"][key] for key in ("fingerprint", "tokenizer_fingerprint"))
        same_numerics = all(run["model"][key] == mine["model"][key] for key in ("max_length", "dtype"))
        same_text = run["corpus"]["hash"] == mine["corpus"]["hash"]
        given = [{k: v for k, v in facts["arguments"].items() if k in self.as_json()} for facts in (run, mine)]
        return (
            same_model and same_numerics and same_text and given[0] == given[1] and run["versions"] == mine["versions"]
        )
