"""Which examples cover a space: the pool's own, or a target's, without near-duplicates.

Embeddings in, rows out. All compare by cosine, and none holds a table of all pairs.
"""

from selection.data.covering.deduplicating import semantic_deduplicate
from selection.data.covering.facility_location import facility_location_select
from selection.data.covering.k_centre import k_centre_select
from selection.data.covering.results import (
    CentreChoice,
    Deduplication,
    FacilityChoice,
    RoundRobinChoice,
    ThresholdChoice,
)
from selection.data.covering.round_robin import round_robin_select
from selection.data.covering.threshold_diversity import threshold_diversity_select

__all__ = [
    "CentreChoice",
    "Deduplication",
    "FacilityChoice",
    "RoundRobinChoice",
    "ThresholdChoice",
    "facility_location_select",
    "k_centre_select",
    "round_robin_select",
    "semantic_deduplicate",
    "threshold_diversity_select",
]
