"""Which training examples? A subset of a pool for a target and a budget, with reasons and rivals."""

from xalign.selecting.nesting import NestedSubsets, write_nested_subsets
from xalign.selecting.results.selection import DataSelection
from xalign.selecting.running import select_data

__all__ = ["DataSelection", "NestedSubsets", "select_data", "write_nested_subsets"]
