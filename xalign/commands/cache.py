"""`xalign cache`: what is cached, and away with it."""

from typing import Annotated

import typer

from xalign.commands.common import Json, told_plainly

app = typer.Typer(help="List or clear the cached activations, and what xalign select keeps.", no_args_is_help=True)
PARTS = ("activations", "sidecars")

Only = Annotated[
    str | None, typer.Option(help="activations, or sidecars: what xalign select keeps of each shard. Default: both.")
]


@app.command("list")
def list_cache(only: Only = None, as_json: Json = False) -> None:
    """List what the cache holds, by model."""
    with told_plainly():
        parts = _parts(only)
        from xalign.commands.output import cache_as_json, cache_as_text, sidecars_as_text
        from xalign.encoders import ActivationCache
        from xalign.selecting.pools.keeping import list_sidecars
        from xalign.selecting.pools.sidecars import default_folder

        cache = ActivationCache()
        entries = cache.entries() if PARTS[0] in parts else ()
        sidecars = list_sidecars() if PARTS[1] in parts else ()
        if as_json:
            typer.echo(cache_as_json(entries, sidecars))
            return
        if PARTS[0] in parts:
            typer.echo(cache_as_text(cache, entries))
        if sidecars or PARTS[0] not in parts:
            typer.echo(sidecars_as_text(default_folder(), sidecars))


@app.command("clear")
def clear_cache(
    model: Annotated[str | None, typer.Option(help="Only what this model made.")] = None,
    older_than_days: Annotated[float | None, typer.Option(help="Only what is older than this.")] = None,
    only: Only = None,
) -> None:
    """Delete cached activations and what xalign select keeps; the next run computes them again."""
    with told_plainly():
        parts = _parts(only)
        from xalign.encoders import ActivationCache
        from xalign.selecting.pools.keeping import clear_sidecars

        for part, what, clear in zip(
            PARTS, ("entries", "sidecars of xalign select"), (ActivationCache().clear, clear_sidecars), strict=True
        ):
            if part in parts:
                cleared = clear(model=model, older_than_days=older_than_days)
                typer.echo(f"deleted {cleared.n_entries} {what}, {cleared.n_bytes / 1e6:.1f} MB")


def _parts(only: str | None) -> tuple[str, ...]:
    """Which parts of the cache are meant."""
    from xalign.errors import UnknownNameError
    from xalign.names import nearest

    if only is not None and only not in PARTS:
        raise UnknownNameError(f"--only must be one of {', '.join(PARTS)}, got {only!r}{nearest(only, PARTS)}")
    return PARTS if only is None else (only,)
