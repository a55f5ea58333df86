"""The command line: each command is a public function with the same words."""

import typer

from xalign.commands import cache
from xalign.commands.languages import languages
from xalign.commands.nested_subsets import nested_subsets
from xalign.commands.probe import probe
from xalign.commands.realign import realign
from xalign.commands.report import report
from xalign.commands.retrieve import leaderboard, retrieve
from xalign.commands.select import select
from xalign.commands.train_quality import train_quality
from xalign.commands.transfer import transfer
from xalign.commands.words import words

app = typer.Typer(
    name="xalign",
    help="How well does a model bring languages together, at which layer, for which languages?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(probe)
app.command()(report)
app.command()(retrieve)
app.command()(leaderboard)
app.command()(transfer)
app.command()(languages)
app.command()(words)
app.command()(realign)
app.command()(select)
app.command()(train_quality)
app.command()(nested_subsets)
app.add_typer(cache.app, name="cache")
