"""A shard with all that was found of its rows."""

from __future__ import annotations

from dataclasses import dataclass

from xalign.selecting.phases.embedding import EmbedTask
from xalign.selecting.phases.routing import RouteTask
from xalign.selecting.phases.scoring import ScoreTask
from xalign.selecting.phases.tagging import TagTask
from xalign.selecting.phases.translating import TranslateTask
from xalign.selecting.pools.reading import ReadTask


@dataclass(frozen=True)
class MappedShard:
    """The tasks of one shard, all done.

    Attributes:
        reading: Its rows.
        embedding: Its vectors.
        scoring: Its scores, if any: by one scorer, or by several that score rows of different categories.
        difficulty: How hard its rows are, if asked for.
        tagging: Its labels, if any.
        category: Its categories, if any.
        translation: Vectors of its rows' translations, if any.
    """

    reading: ReadTask
    embedding: EmbedTask
    scoring: tuple[ScoreTask, ...] = ()
    difficulty: ScoreTask | None = None
    tagging: TagTask | None = None
    category: TagTask | RouteTask | None = None
    translation: TranslateTask | None = None
