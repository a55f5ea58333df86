"""What training minimises: translations near each other and near the teacher's English, everything else far."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional


def contrastive_loss(
    vectors: Float[Tensor, "n d"], group: Int[Tensor, " n"], *, temperature: float
) -> Float[Tensor, ""]:
    """Average, over pairs of translations, the cost of picking the translation among all other groups' sentences.

    For a pair (i, p), with s = cosine / temperature and j over the sentences of other groups:
    -log( exp(s_ip) / (exp(s_ip) + sum_j exp(s_ij)) ).

    Args:
        vectors: Sentence vectors, of any norm.
        group: Which sentences translate each other.
        temperature: Divides the cosines.

    References:
        van den Oord et al. (2018), https://arxiv.org/abs/1807.03748; Khosla et al. (2020), https://arxiv.org/abs/2004.11362
    """
    unit = functional.normalize(vectors.float(), dim=-1)
    similarity = unit @ unit.T / temperature
    same = group[:, None] == group[None, :]
    others = similarity.masked_fill(same, float("-inf")).logsumexp(dim=1, keepdim=True)
    cost = torch.logaddexp(similarity, others) - similarity
    pairs = same & ~torch.eye(len(group), dtype=torch.bool)
    return cost[pairs].mean()


def teacher_loss(
    predictions: Float[Tensor, "n t"],
    group: Int[Tensor, " n"],
    teacher: Float[Tensor, "g t"],
    known: Int[Tensor, " k"],
    *,
    temperature: float,
) -> Float[Tensor, ""]:
    """Bring each sentence to the teacher's vector of its group's English sentence, and away from the other groups'.

    Args:
        predictions: The model's sentence vectors, mapped to the teacher's space.
        group: Group of each sentence.
        teacher: The teacher's vector of each group.
        known: Groups that have an English sentence; the rest is left out.
        temperature: Divides the cosines in the choice among groups.

    Returns:
        Mean of (1 - cosine) plus mean cross-entropy of choosing the own group.

    References:
        Reimers & Gurevych (2020), Making Monolingual Sentence Embeddings Multilingual, https://arxiv.org/abs/2004.09813
    """
    column = torch.full((len(teacher),), -1, dtype=torch.long)
    column[known] = torch.arange(len(known))
    rows = column[group] >= 0
    unit = functional.normalize(predictions[rows].float(), dim=-1)
    cosine = unit @ functional.normalize(teacher[known].float(), dim=-1).T
    target = column[group[rows]]
    own = cosine.gather(1, target[:, None])
    return (1 - own).mean() + functional.cross_entropy(cosine / temperature, target)
