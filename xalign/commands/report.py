"""`xalign report`: a saved report or realignment, or what moved between two."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xalign.commands.common import Json, told_plainly

if TYPE_CHECKING:
    from xalign.report import ProbeReport


def report(
    folder: Annotated[Path, typer.Argument(help="A folder that `xalign probe` or `xalign realign` wrote.")],
    other: Annotated[
        Path | None,
        typer.Argument(help="A second one: show what moved from the first to it; of a realigned model its own report."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print a saved report or realignment, or what moved between two."""
    with told_plainly():
        from xalign.realigning.folders import is_realignment, report_folder
        from xalign.report import ProbeReport

        if other is None and is_realignment(folder):
            _show_realignment(folder, as_json)
            return
        first = ProbeReport.load(report_folder(folder))
        second = ProbeReport.load(report_folder(other)) if other else None
        comparison = first.compare(second) if second else None
    if comparison is None or second is None:
        show(first, folder, as_json)
    elif as_json:
        typer.echo(comparison.summary.to_json(orient="records"))
    else:
        from xalign.commands.output import comparison_as_text

        typer.echo(comparison_as_text(comparison, first, second))


def _show_realignment(folder: Path, as_json: bool) -> None:
    """Draw a realignment's page anew, and print what it says."""
    from xalign.commands.realign import show_realignment
    from xalign.realigning.results import Realignment

    result = Realignment.load(folder)
    result.save_page()
    show_realignment(result, folder, as_json=as_json)


def show(report: "ProbeReport", folder: Path, as_json: bool) -> None:
    """Print a report for people, or as JSON."""
    from xalign.commands.output import report_as_json, report_as_text

    typer.echo(report_as_json(report, folder) if as_json else report_as_text(report, folder))
