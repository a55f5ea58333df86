"""`xalign report`: a saved report, or what moved between two."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xalign.commands.common import Json, told_plainly

if TYPE_CHECKING:
    from xalign.report import ProbeReport


def report(
    folder: Annotated[Path, typer.Argument(help="A folder that `xalign probe` wrote.")],
    other: Annotated[Path | None, typer.Argument(help="A second one: show what moved from the first to it.")] = None,
    as_json: Json = False,
) -> None:
    """Print a saved report, or what moved between two."""
    with told_plainly():
        from xalign.report import ProbeReport

        first = ProbeReport.load(folder)
        second = ProbeReport.load(other) if other else None
        comparison = first.compare(second) if second else None
    if comparison is None or second is None:
        show(first, folder, as_json)
    elif as_json:
        typer.echo(comparison.summary.to_json(orient="records"))
    else:
        from xalign.commands.output import comparison_as_text

        typer.echo(comparison_as_text(comparison, first, second))


def show(report: "ProbeReport", folder: Path, as_json: bool) -> None:
    """Print a report for people, or as JSON."""
    from xalign.commands.output import report_as_json, report_as_text

    typer.echo(report_as_json(report, folder) if as_json else report_as_text(report, folder))
