"""Scorers: plain functions from rows to numbers, in one table."""
