"""Pools: files of any format as rows, shard by shard, and what is kept of each shard."""
