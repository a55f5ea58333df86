"""The columns of a benchmark's tables, so that writers and readers agree."""

TABLE_COLUMNS = [
    "model",
    "task",
    "layer",
    "split",
    "metric",
    "source",
    "target",
    "score",
    "chance",
    "null_mean",
    "null_sd",
    "p_value",
    "ci_low",
    "ci_high",
    "n",
    "n_candidates",
]
SUMMARY_COLUMNS = [
    "layer",
    "metric",
    "direction",
    "languages",
    "score",
    "ci_low",
    "ci_high",
    "chance",
    "n_rows",
]
SELECTION_COLUMNS = ["layer", "score", "chosen"]
POOL = "pool"
"""What stands as target where a question asks among the candidates of all languages."""
