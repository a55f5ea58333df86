"""Every number of the recipe, in one place; the defaults made the weights that are shipped."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Recipe:
    """How xalign-mini is built and trained.

    Attributes:
        seed: Of every random choice.
        vocabulary: Pieces of the tokenizer.
        width: Of the hidden states.
        layers: Transformer layers.
        heads: Attention heads.
        feed_forward: Neurons of a feed-forward block.
        longest: Pieces of a training sentence, with the two special ones.
        static_steps: Steps on the token embeddings alone, each of `static_groups` groups.
        steps: Steps on the whole model, each of `groups_per_step` groups.
        views: Most languages of a group in one step.
        static_rate: Peak learning rate of the embeddings-only stage.
        rate: Peak learning rate of the whole model.
        embedding_rate: Its factor for token embeddings in the second stage.
        gain: How far a layer moves positions towards the sentence's vector at the start of the second stage.
        static_cooldown: Share of the first stage, at its end, over which the rate falls to zero.
        cooldown: The same for the second.
        weight_decay: Of AdamW.
        dropout: Of the embeddings. Layers have none: it costs a fifth of the time, and pieces are dropped anyway.
        static_drop: Share of pieces deleted from a sentence in the first stage.
        token_drop: The same in the second.
        split: Probability of cutting a piece in two, tried twice.
        temperature: Of the contrastive losses.
        teacher_weight: Of the distillation loss.
        average: Decay of the running average of weights that is shipped.
        blend: Share of that average in the weights that are shipped; the rest are the second stage's first weights.
        source_share: Share of the groups of a step by source.
        other_languages: Sampling weight of a language outside the 24.
        language_weight: Sampling weight of languages among the 24, where not 1.
    """

    seed: int = 0
    vocabulary: int = 24_000
    width: int = 256
    layers: int = 6
    heads: int = 4
    feed_forward: int = 512
    longest: int = 100
    static_steps: int = 800
    static_groups: int = 512
    steps: int = 1300
    groups_per_step: int = 112
    views: int = 3
    static_rate: float = 4e-3
    rate: float = 6e-4
    embedding_rate: float = 2.0
    gain: float = 0.25
    static_cooldown: float = 0.8
    cooldown: float = 0.65
    weight_decay: float = 0.02
    dropout: float = 0.1
    static_drop: float = 0.4
    token_drop: float = 0.25
    split: float = 0.1
    temperature: float = 0.05
    teacher_weight: float = 1.0
    average: float = 0.995
    blend: float = 0.5
    other_languages: float = 0.04
    source_share: dict[str, float] = field(
        default_factory=lambda: {
            "flores": 0.4,
            "tatoeba": 0.25,
            "questions": 0.1,
            "paragraphs": 0.1,
            "nusax": 0.03,
            "instructions": 0.12,
        }
    )
    language_weight: dict[str, float] = field(
        default_factory=lambda: {
            "kat_Geor": 2.5,
            "yor_Latn": 2.5,
            "heb_Hebr": 2.0,
            "fin_Latn": 2.0,
            "tam_Taml": 2.0,
            "ben_Beng": 1.8,
            "ell_Grek": 1.5,
            "rus_Cyrl": 1.3,
            "hun_Latn": 1.3,
            "tha_Thai": 1.2,
        }
    )
