"""The table of probes: each name, the function of `probes` behind it, what it reads, and how to read it.

Adding a probe to a report is one row here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import probes
from xalign.errors import UnknownNameError
from xalign.names import nearest

if TYPE_CHECKING:
    from probes.judging import Preparation
    from xalign.report_page import GuideRow


@dataclass(frozen=True)
class Measure:
    """How a report computes and explains one probe.

    Attributes:
        name: What users type, and the table's `probe`.
        function: The measure in `probes`.
        asks: The question it answers.
        bounds: The range of its score, in words.
        fooled_by: What makes it high or low for another reason.
        chance: What a model that knows nothing scores, in words.
        options: Arguments of the function.
        states: What it reads: "layer" (pooled hidden states), "nas" or "nav" (neuron states).
        all_pairs: A function that scores all pairs of languages at once, where there is one.
    """

    name: str
    function: Callable[..., Any]
    asks: str
    bounds: str
    fooled_by: str
    chance: str
    options: Mapping[str, Any] = field(default_factory=dict)
    states: str = "layer"
    all_pairs: Callable[..., Any] | None = None

    @property
    def preparation(self) -> Preparation:
        """The measure with its options, ready to prepare sides."""
        return self.function.preparation(**self.options)  # type: ignore[attr-defined]


HUBS = "hub sentences that are near to everything; sentences that share names, digits or punctuation"
TABLE = (
    Measure(
        "cka", probes.linear_cka, chance="0", all_pairs=probes.pairwise_cka,
        asks="Are the sentences of two languages arranged alike, up to rotation, scale and offset? (debiased)",
        bounds="about -1 to 1; 1 is the same arrangement",
        fooled_by="one dominant dimension (read ANC beside it); an offset between languages goes unseen",
    ),
    Measure(
        "cka_biased", probes.linear_cka, options={"estimator": "biased"}, all_pairs=probes.pairwise_cka,
        chance="tr K tr L / ((n - 1) ‖K‖ ‖L‖): far above 0 when n < d",
        asks="The same with the usual biased estimator, for comparison with published numbers.",
        bounds="0 to 1", fooled_by="few sentences: independent data give .89 at n = 100, d = 768",
    ),
    Measure(
        "anc", probes.average_neuronwise_correlation, chance="0", all_pairs=probes.pairwise_anc,
        asks="Does each neuron vary alike in two languages? (mean signed correlation)",
        bounds="-1 to 1", fooled_by="a rotation between languages lowers it; sentence length raises it",
    ),
    Measure(
        "anc_absolute", probes.average_neuronwise_correlation, options={"absolute": True},
        chance="sqrt(2 / (pi (n - 1)))", all_pairs=probes.pairwise_anc,
        asks="The same with absolute correlations.", bounds="0 to 1",
        fooled_by="few sentences: the floor is .080 at n = 100",
    ),
    Measure(
        "retrieval", probes.retrieval_accuracy, chance="1/n",
        asks="Is a sentence's nearest neighbour in the other language its translation? (P@1, mean of both directions)",
        bounds="0 to 1", fooled_by=HUBS,
    ),
    Measure(
        "mrr", probes.mean_reciprocal_rank, chance="(1 + 1/2 + ... + 1/n) / n",
        asks="How far down the list of neighbours stands the translation? (mean reciprocal rank, both directions)",
        bounds="0 to 1", fooled_by=HUBS,
    ),
    Measure(
        "mutual", probes.mutual_retrieval, chance="1/(2n - 1)",
        asks="Are a sentence and its translation each other's nearest neighbours? (MEXA's rule)",
        bounds="0 to 1", fooled_by=HUBS,
    ),
    Measure(
        "strong", probes.strong_alignment, chance="1/(2n - 1)",
        asks="Is the translation nearer than every other sentence of both languages? (strong alignment)",
        bounds="0 to 1", fooled_by="an offset between languages takes it to 0 however well meanings match",
    ),
    Measure(
        "csls", probes.csls_retrieval, chance="1/n",
        asks="Retrieval after discounting hubs (CSLS, k = 10, both directions).", bounds="0 to 1",
        fooled_by="fewer sentences than about ten times k",
    ),
    Measure(
        "margin", probes.margin_retrieval, options={"margin": "distance"}, chance="1/n",
        asks="Retrieval among the 4 nearest by margin (distance form, pivot to language); 1 - xsim error.",
        bounds="0 to 1",
        fooled_by="a translation outside the 4 nearest by cosine can never be found",
    ),
    Measure(
        "cosine", probes.pair_cosine, chance="the mean cosine of pairs that are not translations",
        asks="How near is a sentence to its translation? (mean cosine)", bounds="-1 to 1",
        fooled_by="anisotropy: in many models random pairs have .9 too",
    ),
    Measure(
        "neurons", probes.mutual_retrieval, states="nas", chance="1/(2n - 1)",
        asks="Do translations fire the same feed-forward neurons? (NeuronXA on activation states, NAS)",
        bounds="0 to 1", fooled_by=HUBS,
    ),
    Measure(
        "neurons_nav", probes.mutual_retrieval, states="nav", chance="1/(2n - 1)",
        asks="The same on the neurons' absolute values (NAV).", bounds="0 to 1", fooled_by=HUBS,
    ),
)  # fmt: skip
MEASURES = {measure.name: measure for measure in TABLE}
DEFAULT = ("cka", "anc", "retrieval", "neurons")


def find_measures(names: Iterable[str]) -> tuple[Measure, ...]:
    """Look probes up by name; `all` stands for every one.

    Raises:
        UnknownNameError: If a name is unknown (the nearest is told), or none is given.
    """
    wanted = list(dict.fromkeys([names] if isinstance(names, str) else names))
    if not wanted:
        raise UnknownNameError(f"probes must name at least one of {', '.join(MEASURES)}")
    for name in wanted:
        if name != "all" and name not in MEASURES:
            raise UnknownNameError(f"unknown probe {name!r}{nearest(name, MEASURES)}; known are {', '.join(MEASURES)}")
    return TABLE if "all" in wanted else tuple(MEASURES[name] for name in wanted)


def guide(names: Iterable[str]) -> tuple[GuideRow, ...]:
    """How to read each named probe, for the report's page."""
    from xalign.report_page import GuideRow

    rows = [MEASURES[name] for name in names if name in MEASURES]
    return tuple(GuideRow(row.name, row.asks, row.bounds, row.chance, row.fooled_by) for row in rows)
