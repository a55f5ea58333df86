"""Does it matter which languages a model is realigned on? `python -m benchmarks.realignment --data DATA --out OUT`.

Two models (xalign-mini, and a copy of its recipe that was trained without any translation) are realigned with English
on sets of 3, 5 and 10 of 30 languages: the most diverse, the least diverse, random ones, those that alignment-aware
choice takes, and all 30; every training sees as many sentence pairs in as many steps. Retrieval and the transfer of
topics from English are then measured in all 30, and in ten languages outside the pool. A run is a file that is there or
not: whatever stops the experiment, the same command goes on. `--analyse --out OUT` makes tables and pictures of what is
there; with `--csv notebooks/data/realignment.csv` it writes what the notebook reads.
"""
