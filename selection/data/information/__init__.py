"""Which examples carry the most information over a graph of labels (MIG).

Tags and qualities in, rows out; tags may be clusters of embeddings, and each language may have a share of its own.
"""

from selection.data.information.labels import similar_labels
from selection.data.information.results import InformationChoice
from selection.data.information.selecting import information_gain_select
from selection.data.information.tagging import TagTable, tags_from_clusters, tags_from_names

__all__ = [
    "InformationChoice",
    "TagTable",
    "information_gain_select",
    "similar_labels",
    "tags_from_clusters",
    "tags_from_names",
]
