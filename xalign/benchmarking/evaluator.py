"""Alignment watched while training: an evaluator for the sentence-transformers trainer."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers.base.evaluation import SentenceEvaluator

from probes.retrieval_sides import retrieval_side
from xalign.benchmarking.directions import both_directions
from xalign.benchmarking.settings import Comparison
from xalign.corpora import Corpus, load_corpus, resolve_language
from xalign.encoding import EncodedGroup, groups_of
from xalign.errors import CorpusError, ProbeError
from xalign.judging.pairs import AnswerGroups

logger = logging.getLogger(__name__)


class AlignmentEvaluator(SentenceEvaluator):
    """Accuracy of translation retrieval, for `SentenceTransformerTrainer(evaluator=...)`.

        evaluator = AlignmentEvaluator(xalign.load_corpus("flores200", split="dev"), languages=["deu", "swh"])
        evaluator(model)[evaluator.primary_metric]

    The model's own embedding is scored (its pooling and later modules included), as it stands at each evaluation.
    `eval_accuracy` is the trainer's `metric_for_best_model`, `eval_<name>_accuracy` with a name.

    Args:
        corpus: Parallel text, or what `load_corpus` reads; None for the embedded xalign-100.
        languages: The languages to compare with the pivot, in any spelling; None for all.
        pivot: The language all others are compared with; None for all pairs.
        comparison: Cosine, CSLS or margin.
        prompt_name: The model's prompt put before every sentence; None for its default.
        name: Put before the metrics' names, where there are several evaluators.
        batch_size: Sentences encoded at once.
        write_csv: Append each evaluation to `alignment_evaluation[_name]_results.csv` in the trainer's folder.

    Raises:
        CorpusError: If the corpus lacks the pivot, or has no pair of languages.
        UnknownNameError: If a language is not in the corpus.
    """

    def __init__(  # noqa: PLR0913 - the options of an evaluator
        self,
        corpus: Corpus | str | Path | None = None,
        *,
        languages: str | Sequence[str] | None = None,
        pivot: str | None = "eng_Latn",
        comparison: Comparison | None = None,
        prompt_name: str | None = None,
        name: str = "",
        batch_size: int = 32,
        write_csv: bool = True,
    ) -> None:
        super().__init__()
        text = corpus if isinstance(corpus, Corpus) else load_corpus(corpus, pivot=pivot, progress=False)
        self.pivot = None if pivot is None else resolve_language(pivot).code
        self.corpus = text if languages is None else text.select(_with(self.pivot, languages))
        self.comparison = comparison or Comparison()
        self.prompt_name, self.name, self.batch_size, self.write_csv = prompt_name, name, batch_size, write_csv
        self.primary_metric = f"{name}_accuracy" if name else "accuracy"
        pairs = [pair for group in groups_of(self.corpus) for pair in group.pairs(self.pivot)]
        if not pairs:
            raise CorpusError(f"corpus {self.corpus.name} must leave at least 2 languages to compare, got fewer")

    def __call__(
        self, model: Any, output_path: str | None = None, epoch: int | float = -1, steps: int = -1
    ) -> dict[str, float]:
        """Score the model as it is.

        Args:
            model: A SentenceTransformer.
            output_path: Where the trainer keeps results; None to keep none.
            epoch: As the trainer counts; -1 outside training.
            steps: Likewise.

        Returns:
            `accuracy` (mean over languages and directions), `worst_accuracy` (of a language, or pair), and
            `accuracy_<language>`, each after the evaluator's name.

        Raises:
            ProbeError: If embeddings cannot be compared, as when they are NaN; names the language.
        """
        by_pair = dict(self._accuracies(model))
        values = list(by_pair.values())
        metrics = {"accuracy": float(np.mean(values)), "worst_accuracy": min(values)}
        metrics |= {f"accuracy_{pair}": value for pair, value in by_pair.items()}
        if output_path is not None and self.write_csv:
            self._append(Path(output_path), {"epoch": epoch, "steps": steps} | metrics)
        metrics = self.prefix_name_to_metrics(metrics, self.name)
        self.store_metrics_in_model_card_data(model, metrics, epoch, steps)
        logger.info("alignment on %s: %s %.4f", self.corpus.name, self.primary_metric, metrics[self.primary_metric])
        return metrics

    def get_config_dict(self) -> dict[str, Any]:
        """What the model card says of the evaluator."""
        return {"corpus": self.corpus.name, "pivot": self.pivot, **asdict(self.comparison)}

    def _accuracies(self, model: Any) -> Iterator[tuple[str, float]]:
        """The mean of both directions of each pair."""
        for group in groups_of(self.corpus):
            rows = {language: self._encode(model, sentences) for language, sentences in group.sentences.items()}
            for source, target, *_ in group.pairs(self.pivot):
                try:
                    a, b = (retrieval_side(rows[language], name=language) for language in (source, target))
                    sides = AnswerGroups(EncodedGroup(group.sentences, {}), source).labelled(a, b, target)
                    forward, backward = both_directions(*sides, self.comparison)
                except ValueError as error:
                    raise ProbeError(f"{source} and {target}: {error}") from error
                name = source if self.pivot is not None else f"{source}-{target}"
                yield name, (forward.score + backward.score) / 2

    def _encode(self, model: Any, sentences: Sequence[str]) -> np.ndarray:
        return model.encode(
            list(sentences), prompt_name=self.prompt_name, batch_size=self.batch_size, show_progress_bar=False
        )

    def _append(self, folder: Path, row: Mapping[str, int | float]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"alignment_evaluation{'_' if self.name else ''}{self.name}_results.csv"
        begin = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            if begin:
                writer.writeheader()
            writer.writerow(row)


def _with(pivot: str | None, languages: str | Sequence[str]) -> list[str]:
    names = [languages] if isinstance(languages, str) else list(languages)
    return [*([pivot] if pivot else []), *names]
