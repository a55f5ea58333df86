"""Does it help to select? `python -m benchmarks.data_selection --data DATA --out OUT`.

Topics and sentiment: a pool in many languages with wrong labels and near-duplicates planted, a target of 100 sentences
in the languages wanted; a linear probe is trained on what each selector chooses and tested in these languages.
Instructions: raw and revised responses in 13 languages, evaluation instructions in four as the target; what share of
revised responses is chosen, and how well the target is covered. Alignment: the transport selector with and without
centring and reliability, by language. A run is a file that is there or not: whatever stops the experiment, the same
command goes on. `--analyse --out OUT` makes tables of what is there; with `--csv notebooks/data` it writes what the
notebook reads.
"""
