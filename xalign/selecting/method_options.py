"""What may be asked of a selector by name: the arguments of its function that the pool does not fill, and its own."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from importlib import import_module

from xalign.errors import SettingError
from xalign.names import nearest

FILLED = (
    "budget", "categories", "clusters", "embeddings", "group_means", "groups", "languages", "n_diverse", "n_quality",
    "quality", "quotas", "reliability", "scores", "target_groups", "target_rows",
)  # fmt: skip
"""What a pool fills in itself."""
SEEDED = ("laser", "random")
"""Methods that have the seed of the selection and no other."""
SELECTORS = {
    "transport": "transport.selecting:transport_select",
    "tsds": "transport.knn:knn_transport_select",
    "lava": "transport.settings:TransportSettings",
    "gotd": "transport.settings:TransportSettings",
    "uot": "transport.free_mass:unbalanced_transport_select",
    "mig": "information:information_gain_select",
    "mdaq": "quality_diverse:quality_diverse_select",
    "laser": "stratified:stratified_select",
    "round_robin": "covering:round_robin_select",
    "facility_location": "covering:facility_location_select",
    "k_centre": "covering:k_centre_select",
    "deita": "covering:threshold_diversity_select",
    "semdedup": "covering:semantic_deduplicate",
    "longest": "baselines:longest_select",
    "random": "baselines:random_select",
}
"""Where each method's arguments stand, in `selection.data`."""
OWN = {
    "gotd": ("base", "mixing"),
    "mig": ("graph", "multilingual", "n_clusters"),
    "mdaq": ("n_clusters", "ratio"),
    "laser": ("clip", "n_clusters"),
    "semdedup": ("n_clusters",),
}
"""What is asked of the pool's side of a method."""


def options_of(method: str) -> tuple[str, ...]:
    """The options of a method, sorted."""
    module, _, name = SELECTORS[method].partition(":")
    parameters = inspect.signature(getattr(import_module(f"selection.data.{module}"), name)).parameters
    filled = {*FILLED, *(["seed"] if method in SEEDED else [])}
    free = [name for name, one in parameters.items() if one.default is not one.empty or name == "shares"]
    return tuple(sorted({*free, *OWN.get(method, ())} - filled))


def require_options(method: str, options: Iterable[str]) -> None:
    """Refuse an option that a method does not have, before any work.

    Raises:
        SettingError: If there is one; says which there are.
    """
    known = options_of(method)
    for name in options:
        if name not in known:
            there = f"must be among {', '.join(known)}" if known else "are none"
            raise SettingError(f"options of {method!r} {there}, got {name!r}{nearest(name, known)}")
