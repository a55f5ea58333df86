"""What a reader must know before trusting a number of a report."""

from collections.abc import Iterator, Sequence

import pandas as pd

from xalign.corpora import Corpus
from xalign.encoding import EncodedGroup
from xalign.measures import counts_words
from xalign.transforming import NONE


def collect_warnings(
    table: pd.DataFrame, confounds: pd.DataFrame, corpus: Corpus, n_dimensions: int, constant: pd.DataFrame
) -> tuple[str, ...]:
    """Find what makes scores of a report weaker than they look.

    Args:
        table: The report's table.
        confounds: Its confounds.
        corpus: The text, for what its reader noticed.
        n_dimensions: Width of the layers.
        constant: `language layer n_constant`: neurons without variance.

    Returns:
        One sentence each; none is a failure, all change how a number is read.
    """
    found = [*_undefined(table), *_few_sentences(table, n_dimensions), *_text(confounds), *_constant(constant)]
    return (*found, *corpus.notes())


def describe_transform(name: str, groups: Sequence[EncodedGroup]) -> tuple[str, ...]:
    """Say which sentences a transform was fitted on, if there was one."""
    if name == NONE:
        return ()
    n = min(len(next(iter(group.sentences.values()))) for group in groups)
    return (
        f"transform {name} was fitted on a random half of the sentences of each language; scores are of the other "
        f"half, {n} of them{'' if len(groups) == 1 else ' or more'}, and of untransformed neurons",
    )


def count_constant_neurons(groups: Sequence[EncodedGroup], layers: Sequence[int]) -> pd.DataFrame:
    """Count, by language and layer, the neurons that have one value on every sentence (they count as 0 in ANC)."""
    rows = []
    for group in groups:
        for language, activations in group.activations.items():
            for layer in layers:
                values = activations.layer(layer)
                rows.append((language, layer, int((values == values[:1]).all(axis=0).sum())))
    return pd.DataFrame(rows, columns=["language", "layer", "n_constant"])


def _undefined(table: pd.DataFrame) -> Iterator[str]:
    for probe, group in table[table["score"].isna()].groupby("probe", sort=False):
        layers = ", ".join(str(layer) for layer in sorted(group["layer"].unique()))
        yield (
            f"{len(group)} scores of {probe} are NaN (layers {layers}): nothing was left to divide by, as happens when "
            "sentences or neurons are few, or vectors nearly equal; averages are over the others"
        )


def _few_sentences(table: pd.DataFrame, n_dimensions: int) -> Iterator[str]:
    biased = table.loc[table["probe"] == "cka_biased", "n"]
    if len(biased) and (n := int(biased.min())) < n_dimensions:
        yield (
            f"biased CKA with {n} sentences in {n_dimensions} dimensions is high for unrelated text too; it is no "
            "evidence: read its null, or the debiased form"
        )
    of_sentences = table.loc[~table["probe"].map(counts_words), "n"]
    if len(of_sentences) and (n := int(of_sentences.min())) < 30:
        yield f"{n} sentences are few: intervals from so small a sample are too narrow"


def _text(confounds: pd.DataFrame) -> Iterator[str]:
    cut = confounds[confounds["truncated"] > 0].sort_values("truncated", ascending=False, kind="stable")
    if len(cut):
        most = f"most in {cut.iloc[0]['name']}: {int(cut.iloc[0]['truncated'])}"
        total = int(cut["truncated"].sum())
        yield f"{total} sentences were cut at the model's maximum length, in {len(cut)} languages ({most})"
    unknown = confounds[confounds["unknown_share"] > 0.05]
    if len(unknown):
        names = ", ".join(unknown["name"].head(5)) + (", ..." if len(unknown) > 5 else "")
        yield f"more than 5 % of the tokens are unknown to the tokenizer in {len(unknown)} languages ({names})"


def _constant(constant: pd.DataFrame) -> Iterator[str]:
    hit = constant[constant["n_constant"] > 0]
    if len(hit):
        yield (
            f"up to {int(hit['n_constant'].max())} neurons of a layer never vary (layers "
            f"{', '.join(str(layer) for layer in sorted(hit['layer'].unique()))}); they count as 0 in ANC"
        )
