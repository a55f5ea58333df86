"""Measures of cross-lingual representation: arrays in, a score and what is needed to judge it out.

Rows are sentences, row i of both arrays is the same sentence in two languages. Arrays are numpy or torch, are computed
where they live, and are never changed. Every measure can be judged by `permutation_null` and `bootstrap_interval`; how
many languages share that work is told in `probes.judging`.
"""

from probes.accumulating import CKASums, CorrelationSums, MinibatchCKA
from probes.alignment_errors import alignment_error_rate
from probes.cca import mean_cca, pwcca, svcca
from probes.cka import linear_cka, pairwise_cka
from probes.concept_clusters import find_concepts
from probes.concepts import concept_alignment, concept_overlap
from probes.expertise import expert_overlap, neuron_expertise
from probes.isotropy import isotropy
from probes.judging import bootstrap_interval, permutation_null
from probes.language_identity import language_identity
from probes.language_neurons import FiringCounts, language_specific_neurons
from probes.language_similarity import pairwise_cosine
from probes.lens import language_probabilities
from probes.margins import csls_retrieval, margin_retrieval
from probes.matched_random import matched_random
from probes.mining import mine_bitext, mining_scores
from probes.moments import Moments
from probes.mutual_neighbours import cknna, mutual_knn
from probes.neurons import neuron_alignment, neuron_overlap
from probes.neuronwise import average_neuronwise_correlation, pairwise_anc
from probes.orthogonality import orthogonality_deviation
from probes.outlier_dimensions import outlier_dimensions
from probes.pool import multilingual_pool
from probes.procrustes import procrustes
from probes.rbf_cka import rbf_cka
from probes.retrieval import mean_reciprocal_rank, mutual_retrieval, pair_cosine, retrieval_accuracy, strong_alignment
from probes.rsa import rsa
from probes.subspaces import subspace_distance
from probes.transforms import fit_abtt, fit_centring, fit_cluster_isotropy, fit_linear_map, fit_orthogonal_map, fit_zca
from probes.word_retrieval import word_retrieval

__all__ = [
    "CKASums",
    "CorrelationSums",
    "FiringCounts",
    "MinibatchCKA",
    "Moments",
    "alignment_error_rate",
    "average_neuronwise_correlation",
    "bootstrap_interval",
    "cknna",
    "concept_alignment",
    "concept_overlap",
    "csls_retrieval",
    "expert_overlap",
    "find_concepts",
    "fit_abtt",
    "fit_centring",
    "fit_cluster_isotropy",
    "fit_linear_map",
    "fit_orthogonal_map",
    "fit_zca",
    "isotropy",
    "language_identity",
    "language_probabilities",
    "language_specific_neurons",
    "linear_cka",
    "margin_retrieval",
    "matched_random",
    "mean_cca",
    "mean_reciprocal_rank",
    "mine_bitext",
    "mining_scores",
    "multilingual_pool",
    "mutual_knn",
    "mutual_retrieval",
    "neuron_alignment",
    "neuron_expertise",
    "neuron_overlap",
    "orthogonality_deviation",
    "outlier_dimensions",
    "pair_cosine",
    "pairwise_anc",
    "pairwise_cka",
    "pairwise_cosine",
    "permutation_null",
    "procrustes",
    "pwcca",
    "rbf_cka",
    "retrieval_accuracy",
    "rsa",
    "strong_alignment",
    "subspace_distance",
    "svcca",
    "word_retrieval",
]
