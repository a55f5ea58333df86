"""Decisions: arrays and scores in, a chosen subset and its reasons out.

This room is empty for now: the language-subset selector and the data selectors move in here.
"""

__all__: list[str] = []
