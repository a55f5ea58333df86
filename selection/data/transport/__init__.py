"""Rows that a target can be made of: optimal transport from a pool to what is wanted.

`transport_select` chooses in memory. For a pool of any size, `fit_transport` fits the price of every target once and
its `TransportModel.score` scores rows block by block. Published selectors stand beside it: LAVA and GOT-D
(`gradient_select`), TSDS (`knn_transport_select`), unbalanced transport (`unbalanced_transport_select`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "centring": ["GroupMeans"],
        "choice": ["TransportChoice"],
        "choosing": ["choose_rows"],
        "density": ["kernel_density"],
        "fitting": ["fit_transport"],
        "free_mass": ["unbalanced_transport_select"],
        "gradients": ["calibrated_gradient", "gradient_select"],
        "knn": ["knn_transport_select"],
        "models": ["TransportModel"],
        "reliability": ["margin_reliability", "pair_margins"],
        "row_samples": ["PoolRows"],
        "selecting": ["transport_select"],
        "settings": ["TransportSettings"],
    },
)
