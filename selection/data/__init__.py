"""Which training examples: a subset of a pool under a budget, with its reasons.

Arrays in, rows out, first chosen first; ties go to the smaller row.
"""

import lazy_loader

# Names are looked up on first use, so that `import selection` loads no solver.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "baselines": ["RowChoice", "longest_select", "random_select"],
        "covering": [
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
        ],
        "information": [
            "InformationChoice",
            "TagTable",
            "information_gain_select",
            "similar_labels",
            "tags_from_clusters",
            "tags_from_names",
        ],
        "clustering": ["Clustering", "ClusterTree", "cluster_rows"],
        "grouping": ["code_groups", "count_groups"],
        "quality_diverse": ["QualityDiverseChoice", "quality_diverse_select", "split_budget"],
        "quotas": ["choose_within_quotas", "divide_budget", "resolve_quotas"],
        "stratified": [
            "StratifiedChoice",
            "nearest_category_classifier",
            "preference",
            "robust_scale",
            "route_conversations",
            "score_by_category",
            "stratified_select",
        ],
        "transport": [
            "GroupMeans",
            "TransportChoice",
            "TransportModel",
            "TransportSettings",
            "calibrated_gradient",
            "fit_transport",
            "gradient_select",
            "knn_transport_select",
            "margin_reliability",
            "transport_select",
            "unbalanced_transport_select",
        ],
    },
)
