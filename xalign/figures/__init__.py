"""Pictures of a report's table: every function takes and returns matplotlib Axes."""

from xalign.figures.comparisons import plot_changes, plot_comparison
from xalign.figures.confounding import plot_confound
from xalign.figures.heatmaps import cluster_order, plot_language_layers, plot_matrix
from xalign.figures.lines import plot_layers
from xalign.figures.pictures import Picture, draw_pictures

__all__ = [
    "Picture",
    "cluster_order",
    "draw_pictures",
    "plot_changes",
    "plot_comparison",
    "plot_confound",
    "plot_language_layers",
    "plot_layers",
    "plot_matrix",
]
