"""From a report's table, a row for every pair of languages, to the rows that a picture draws."""

from collections.abc import Iterable

import pandas as pd

from xalign.columns import TABLE_COLUMNS
from xalign.errors import UnknownNameError
from xalign.names import nearest
from xalign.summary import best_layers, mean_interval, summarise


def check_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of two different languages, and those of probes that see each language by itself.

    Raises:
        ValueError: If a column is missing, or no row is left.
    """
    missing = [column for column in TABLE_COLUMNS if column not in table.columns]
    if missing:
        raise ValueError(f"table must have a report's columns {TABLE_COLUMNS}, lacks {missing}; pass report.table")
    between = table["source"] != table["target"]
    kept = table[between | ~table["probe"].isin(table.loc[between, "probe"])]
    if kept.empty:
        raise ValueError("table must hold at least one row, got none")
    return kept


def between_languages(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of two different languages; all rows where every probe sees each language by itself."""
    between = table[table["source"] != table["target"]]
    return table if between.empty else between


def is_alone(table: pd.DataFrame) -> bool:
    """Say whether every row of a table of one probe is of a language by itself."""
    return bool((table["source"] == table["target"]).all())


def select_probe(table: pd.DataFrame, probe: str | None) -> pd.DataFrame:
    """Return the rows of one probe; `None` means the table's only probe.

    Raises:
        UnknownNameError: If the table has no such probe.
        ValueError: If `probe` is None and the table has several.
    """
    known = [str(name) for name in table["probe"].unique()]
    if probe is None and len(known) > 1:
        raise ValueError(f"probe must be one of {known} where a line is a language, got None; pass probe={known[0]!r}")
    name = known[0] if probe is None else probe
    if name not in known:
        raise UnknownNameError(f"probe must be one of {known}, got {name!r}{nearest(name, known)}")
    return table[table["probe"] == name]


def select_layer(table: pd.DataFrame, layer: int) -> pd.DataFrame:
    """Return the rows of one layer.

    Raises:
        UnknownNameError: If the table has no such layer.
    """
    known = sorted({int(value) for value in table["layer"]})
    if layer not in known:
        raise UnknownNameError(f"layer must be one of {known}, got {layer}; 0 is the embedding output")
    return table[table["layer"] == layer]


def layer_means(table: pd.DataFrame) -> pd.DataFrame:
    """Average each probe at each layer over pairs of languages, as the report's summary does.

    Returns:
        The columns of `xalign.summary.summarise`, and `null_sd`: the mean of the pairs' own, as if their nulls moved
        together, so that the null is never drawn too narrow. One or two pairs keep their interval over sentences.
    """
    table = check_table(table)
    means = summarise(table).set_index(["model", "probe", "layer"])
    over_sentences = table.groupby(["model", "probe", "layer"], sort=False)[["ci_low", "ci_high", "null_sd"]].mean()
    few = means["n_pairs"] < 3
    means.loc[few, ["ci_low", "ci_high"]] = over_sentences.loc[means.index[few], ["ci_low", "ci_high"]]
    return means.assign(null_sd=over_sentences["null_sd"]).reset_index()


def best_layer(table: pd.DataFrame) -> int:
    """Find the layer of the best mean score of a table of one probe: the highest, unless lower is closer.

    Raises:
        ValueError: If every score is NaN.
    """
    found = best_layers(summarise(table))
    if found.empty:
        raise ValueError("table must hold a score that is a number, got NaN everywhere; the report's warnings say why")
    return int(found["layer"].iloc[0])


def has_pivot(table: pd.DataFrame) -> bool:
    """Say whether a language has one row a layer: one source stands against all others, or each is by itself."""
    return is_alone(table) or between_languages(table)["source"].nunique() == 1


def language_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Give every row a `language`: the target where there is a pivot, else each end in turn (a row becomes two)."""
    table = check_table(table)
    if has_pivot(table):
        return table.assign(language=table["target"])
    return pd.concat(
        [table.assign(language=table["target"]), table.assign(language=table["source"])], ignore_index=True
    )


def language_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Average one probe's scores by language (rows) and layer (columns), over its partners if there are several."""
    return language_rows(table).pivot_table(
        index="language", columns="layer", values="score", aggfunc="mean", dropna=False, sort=True
    )


def language_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """Score and interval of each language at each layer, of one probe.

    Returns:
        Columns language, layer, score, ci_low, ci_high. With one partner the interval is the table's, over sentences;
        with several it is a bootstrap over partners.
    """
    rows = language_rows(table)
    columns = ["language", "layer", "score", "ci_low", "ci_high"]
    if has_pivot(table):
        return rows[columns].reset_index(drop=True)
    found = []
    for (language, layer), group in rows.groupby(["language", "layer"], sort=False):
        low, high = mean_interval(group["score"].to_numpy(float))
        found.append((language, layer, group["score"].mean(), low, high))
    return pd.DataFrame(found, columns=columns)


def all_languages(table: pd.DataFrame) -> list[str]:
    """List the languages of a table, sources first, each once; of a table with pairs, the languages of the pairs."""
    table = between_languages(table)
    both: Iterable[str] = [*table["source"], *table["target"]]
    return list(dict.fromkeys(both))
