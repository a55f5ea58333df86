"""The selectors, in one table, on a pool's arrays."""
