"""The command line: each command is a public function with the same words."""

import typer

from xalign.commands import cache
from xalign.commands.probe import probe
from xalign.commands.report import report

app = typer.Typer(
    name="xalign",
    help="How well does a model bring languages together, at which layer, for which languages?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(probe)
app.command()(report)
app.add_typer(cache.app, name="cache")
