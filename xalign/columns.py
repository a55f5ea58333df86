"""The columns of a report's tables, so that writers and readers agree."""

TABLE_COLUMNS = [
    "model",
    "layer",
    "source",
    "target",
    "probe",
    "score",
    "chance",
    "null_mean",
    "null_sd",
    "p_value",
    "ci_low",
    "ci_high",
    "n",
]
PAIR_COLUMNS = ["layer", "probe", "source", "target", "score"]
