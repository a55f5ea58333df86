"""How good a response is: M-DaQ's quality model, trained on pairs of a better and a worse response in any language."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "errors": ["QualityError"],
        "pairs": ["PreferencePairs"],
        "ranking": ["Ranking", "rank_pairs"],
        "reading": ["read_pairs"],
        "scoring": ["QualityModel", "load_quality_model"],
        "settings": ["QualitySettings"],
        "training": ["QualityTraining", "train_quality"],
    },
)
