"""`xalign cache`: what is cached, and away with it."""

from typing import Annotated

import typer

from xalign.commands.common import Json, told_plainly

app = typer.Typer(help="List or clear the cached activations.", no_args_is_help=True)


@app.command("list")
def list_cache(as_json: Json = False) -> None:
    """List what the cache holds, by model."""
    with told_plainly():
        from xalign.commands.output import cache_as_json, cache_as_text
        from xalign.encoders import ActivationCache

        cache = ActivationCache()
        entries = cache.entries()
    typer.echo(cache_as_json(entries) if as_json else cache_as_text(cache, entries))


@app.command("clear")
def clear_cache(
    model: Annotated[str | None, typer.Option(help="Only this model's entries.")] = None,
    older_than_days: Annotated[float | None, typer.Option(help="Only entries older than this.")] = None,
) -> None:
    """Delete cached activations; the next run computes them again."""
    with told_plainly():
        from xalign.encoders import ActivationCache

        cleared = ActivationCache().clear(model=model, older_than_days=older_than_days)
    typer.echo(f"deleted {cleared.n_entries} entries, {cleared.n_bytes / 1e6:.1f} MB")
