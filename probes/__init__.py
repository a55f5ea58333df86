"""Measures of cross-lingual representation: arrays in, a score and what is needed to judge it out.

Rows are sentences, row i of both arrays is the same sentence in two languages. Arrays are numpy or torch, are computed
where they live, and are never changed. Every measure can be judged by `permutation_null` and `bootstrap_interval`; how
many languages share that work is told in `probes.judging`.
"""

from probes.cka import linear_cka, pairwise_cka
from probes.judging import bootstrap_interval, permutation_null
from probes.margins import csls_retrieval, margin_retrieval
from probes.neurons import neuron_alignment, neuron_overlap
from probes.neuronwise import average_neuronwise_correlation, pairwise_anc
from probes.retrieval import mean_reciprocal_rank, mutual_retrieval, pair_cosine, retrieval_accuracy, strong_alignment

__all__ = [
    "average_neuronwise_correlation",
    "bootstrap_interval",
    "csls_retrieval",
    "linear_cka",
    "margin_retrieval",
    "mean_reciprocal_rank",
    "mutual_retrieval",
    "neuron_alignment",
    "neuron_overlap",
    "pair_cosine",
    "pairwise_anc",
    "pairwise_cka",
    "permutation_null",
    "retrieval_accuracy",
    "strong_alignment",
]
