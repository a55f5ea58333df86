"""Retrieval benchmarks: is a sentence's translation, or a question's paragraph, the nearest of all?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "evaluator": ["AlignmentEvaluator"],
        "contests": ["leaderboard"],
        "results": ["Retrieval"],
        "running": ["benchmark"],
        "tasks": ["TASKS", "Task"],
    },
)
