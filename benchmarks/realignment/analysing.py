"""From runs to words: the tables and pictures of an output folder, as far as it has come."""

from io import BytesIO
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from benchmarks.realignment.comparing import TOGETHER, compare
from benchmarks.realignment.pictures import plot_gains, plot_nearness
from benchmarks.realignment.planning import START
from benchmarks.realignment.rows import collect_rows, write_rows
from benchmarks.realignment.summarising import GROUPS, tabulate
from xalign.files import write_text, write_whole

DPI = 150


def analyse(out: Path, *, csv: Path | None = None) -> str:
    """Write tables and pictures of all finished runs into a folder, and tell the tables.

    Args:
        out: What `--out` named; gets `realignment.csv`, `table.csv`, `tests.csv`, and `gains` and `nearness` of each
            model as PNG.
        csv: Another place for `realignment.csv`.

    Returns:
        The wide table of each model, and the tests of all sizes together.
    """
    rows = collect_rows(out)
    for path in (out / "realignment.csv", *([csv] if csv else [])):
        write_rows(rows, path)
    if set(rows["arm"]) == {START}:
        return "only the starting models are measured yet"
    table, tests = tabulate(rows), compare(rows)
    for name, frame in (("table", table), ("tests", tests)):
        write_text(out / f"{name}.csv", frame.round(6).to_csv(index=False, lineterminator="\n"))
    for model in table["model"].unique():
        for name, figure in (("gains", plot_gains(rows, model)), ("nearness", plot_nearness(rows, model))):
            _write_picture(figure, out / f"{name}_{model}.png")
    parts = [f"{model}\n{wide(table, model).to_string()}" for model in table["model"].unique()]
    return "\n\n".join([*parts, tests[tests["k"].isin([TOGETHER])].round(4).to_string(index=False)])


def wide(table: pd.DataFrame, model: str, *, digits: int = 3) -> pd.DataFrame:
    """Lay one model's table out for reading: a row per arm and k, a column per outcome and group."""
    own = table[table["model"] == model].round(digits)
    form = f"{{:+.{digits}f}} [{{:+.{digits}f}}, {{:+.{digits}f}}]"
    told = [form.format(*values) for values in own[["change", "low", "high"]].to_numpy(float)]
    cells = own.assign(cell=told).pivot(index=["arm", "k"], columns=["outcome", "group"], values="cell")
    order = [(outcome, group) for outcome in own["outcome"].unique() for group in GROUPS]
    rows = own[["arm", "k"]].drop_duplicates().sort_values(["k"], kind="stable")
    index = pd.MultiIndex.from_frame(rows)
    return cells.reindex(index=index, columns=[name for name in order if name in cells.columns]).fillna("")


def _write_picture(figure: Figure, path: Path) -> None:
    png = BytesIO()
    figure.savefig(png, format="png", dpi=DPI)
    write_whole(path, lambda file: file.write(png.getvalue()))
