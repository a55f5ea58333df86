"""What is known of languages (grammar, sounds, kin, place, script), and how far apart they lie by it."""

from xalign.typology.distances import LanguageDistances, typology_distances
from xalign.typology.grouping import families, resource_levels, scripts
from xalign.typology.loading import load_typology
from xalign.typology.mixing import FeatureSpec, feature_distances, parse_features
from xalign.typology.tables import KINDS, FeatureTable, MissingFeaturesError

__all__ = [
    "KINDS",
    "FeatureSpec",
    "FeatureTable",
    "LanguageDistances",
    "MissingFeaturesError",
    "families",
    "feature_distances",
    "load_typology",
    "parse_features",
    "resource_levels",
    "scripts",
    "typology_distances",
]
