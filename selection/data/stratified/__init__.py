"""LASER: rows are routed to categories, scored by each category's own scorer, and drawn category by category."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "routing": ["CATEGORIES", "held_out_accuracy", "nearest_category_classifier", "route_conversations"],
        "sampling": ["StratifiedChoice", "stratified_select"],
        "scaling": ["from_zero", "preference", "robust_scale"],
        "scoring": ["constraints_met", "least_step_reward", "line_similarity", "score_by_category"],
    },
)
