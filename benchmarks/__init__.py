"""The project's promises about speed and memory, measured: `python -m benchmarks [NAME ...] [--threads 2] [--quick]`.

One module per question, each with `rows(settings)`; `benchmarks.timing` says how times are taken, `benchmarks.rows` how
they are told. Every time stands beside a reference that is taken in turn with it in the same run, so that ratios hold
where the machine is busy. A bar that is missed is printed as missed.
"""
