"""The selectors by name, in one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from xalign.errors import SettingError, UnknownNameError
from xalign.names import nearest
from xalign.selecting.material.materials import Chosen, Material
from xalign.selecting.methods.adapters import (
    choose_at_random,
    choose_beside_base,
    choose_by_category,
    choose_by_quality_and_cluster,
    choose_far_apart,
    choose_in_turns,
    choose_longest,
    choose_to_cover,
    choose_unlike,
    choose_without_near_duplicates,
)
from xalign.selecting.methods.labelling import choose_by_information
from xalign.selecting.methods.transporting import (
    choose_by_gradient,
    choose_by_mass,
    choose_by_neighbours,
    choose_by_transport,
)


@dataclass(frozen=True)
class Method:
    """A selector.

    Attributes:
        name: As it is asked for.
        meaning: What it chooses.
        score: What its scores are; empty where they say nothing.
        choose: The adapter.
        selector: The function of `selection.data` whose arguments are its options, as "module:name".
        own: Options that the adapter has besides.
        quality: "needed" where it ranks by a score, "weighed" where it goes by one that is given; else empty.
    """

    name: str
    meaning: str
    score: str
    choose: Callable[[Material], Chosen]
    selector: str
    own: tuple[str, ...] = ()
    quality: Literal["needed", "weighed", ""] = ""


def find_method(name: str) -> Method:
    """Find a selector.

    Raises:
        UnknownNameError: If there is none of that name.
    """
    if name not in METHODS:
        raise UnknownNameError(f"method must be one of {', '.join(METHODS)}, got {name!r}{nearest(name, METHODS)}")
    return METHODS[name]


def require_quality(method: Method, *, is_given: bool) -> None:
    """Refuse a method that ranks by a score where there is none.

    Raises:
        SettingError: If it is so.
    """
    if method.quality == "needed" and not is_given:
        raise SettingError(
            f"method {method.name!r} ranks by a score; give --quality (quality), such as length, column:FIELD or "
            "quality:FOLDER"
        )


def run_method(name: str, material: Material) -> Chosen:
    """Choose by a method.

    Raises:
        UnknownNameError: If there is none of that name.
        SettingError: If it needs what is not given, or refuses an option.
    """
    method = find_method(name)
    require_quality(method, is_given=material.pool.quality is not None)
    try:
        found = method.choose(material)
    except TypeError as error:
        if not material.options:
            raise
        told = "has no such option" if "unexpected keyword" in str(error) else "cannot use its options"
        raise SettingError(f"method {name!r} {told}: {error}") from error
    except ValueError as error:
        raise SettingError(f"{name}: {error}") from error
    if not len(found.rows):
        raise SettingError(f"{name} found no row to choose; give another budget, or other options of it")
    return found


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("transport", "optimal transport to the target, languages brought together", "cost less price",
               choose_by_transport, "transport.selecting:transport_select", quality="weighed"),
        Method("tsds", "neighbours of the target, near-duplicates sharing one's mass (TSDS)", "probability",
               choose_by_neighbours, "transport.knn:knn_transport_select"),
        Method("lava", "gradients of moving the whole pool to the target (LAVA)", "gradient", choose_by_gradient,
               "transport.settings:TransportSettings"),
        Method("gotd", "gradients of moving what a model was trained on and the pool to the target (GOT-D)", "gradient",
               choose_beside_base, "transport.settings:TransportSettings", ("base", "mixing")),
        Method("uot", "rows that targets hand their mass to (unbalanced transport)", "mass", choose_by_mass,
               "transport.free_mass:unbalanced_transport_select"),
        Method("mig", "information gain over a graph of labels (MIG)", "information gained", choose_by_information,
               "information:information_gain_select", ("graph", "multilingual", "n_clusters"), "weighed"),
        Method("mdaq", "quality, then clusters left out (M-DaQ)", "quality", choose_by_quality_and_cluster,
               "quality_diverse:quality_diverse_select", ("n_clusters", "ratio"), "needed"),
        Method("laser", "by category, cluster and scaled quality, times difficulty where it is known (LASER)",
               "scaled quality", choose_by_category, "stratified:stratified_select", ("clip", "n_clusters", "shares"),
               "needed"),
        Method("round_robin", "each target in turn takes its nearest (RDS+)", "cosine to its target", choose_in_turns,
               "covering:round_robin_select"),
        Method("facility_location", "rows that stand for all others", "coverage gained", choose_to_cover,
               "covering:facility_location_select"),
        Method("k_centre", "rows far from each other", "distance to those before", choose_far_apart,
               "covering:k_centre_select"),
        Method("deita", "best first, none too like another (DEITA)", "quality", choose_unlike,
               "covering:threshold_diversity_select", quality="needed"),
        Method("semdedup", "a random draw of rows that are no near-duplicates (SemDeDup)", "",
               choose_without_near_duplicates, "covering:semantic_deduplicate", ("n_clusters",)),
        Method("longest", "the longest texts", "characters", choose_longest, "baselines:longest_select"),
        Method("random", "a random draw", "", choose_at_random, "baselines:random_select"),
    )
}  # fmt: skip
