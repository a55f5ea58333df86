"""One selection of data under way: shards are read and mapped, rows are chosen by every method, choices are judged."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

from xalign.errors import SettingError
from xalign.selecting.material.compact import PoolArrays, gather_pool
from xalign.selecting.material.margins import describe_margins, measure_margins
from xalign.selecting.material.materials import Chosen, Material
from xalign.selecting.material.quota_words import OF_TARGET, Quotas, resolve_language_quotas
from xalign.selecting.material.reliability import Reliability, describe_reliability
from xalign.selecting.material.spaces import Space, make_space
from xalign.selecting.material.targets import Target, find_target, require_target
from xalign.selecting.material.usable import count_rows
from xalign.selecting.methods.table import run_method
from xalign.selecting.phases.engines import Engine
from xalign.selecting.phases.mapping import Asked, MapPlan, map_shards, read_shards, resolve_reading
from xalign.selecting.phases.routing import Router
from xalign.selecting.pools.places import PoolFiles, Source, find_pool
from xalign.selecting.pools.reading import ReadTask
from xalign.selecting.results.describing import Told, put_together
from xalign.selecting.results.judging import Judge, RandomDraws, cost_curve, judge_arms
from xalign.selecting.results.selection import DataSelection
from xalign.selecting.settings import ChoiceSettings, ModelSettings, ReadingSettings


@dataclass(frozen=True, eq=False)
class Wish:
    """What a choice shall be like.

    Attributes:
        target: As `select_data` takes it.
        base: What a model has been trained on; None where no method asks.
        asked: About the fields of both.
        quotas: As `select_data` takes them.
        trust: Reliability from rows by language; None without a report.
        align: Whether language means are taken away.
    """

    target: Any
    base: Any
    asked: Asked
    quotas: Quotas | None
    trust: Callable[[Mapping[str, int]], Reliability | None]
    align: bool


@dataclass(frozen=True, eq=False)
class SelectionRun:
    """One selection under way: what decides it, where it runs, and how long each part took."""

    settings: ChoiceSettings
    plan: MapPlan
    engine: Engine
    clock: Clock

    def read_pool(
        self, source: Source, asked: Asked
    ) -> tuple[PoolFiles, ReadingSettings, list[ReadTask], dict[str, int]]:
        """Read the pool, and count its rows by language."""
        with self.clock.timing("reading the pool"):
            files = find_pool(source, spool=self.plan.sidecars.folder / "datasets")
            reading = resolve_reading(files, asked)
            read = read_shards(files, reading, self.plan, self.engine)
            return files, reading, read, count_rows(read, skip_bad=self.settings.skip_bad)

    def require(self, wish: Wish, counts: Mapping[str, int]) -> None:
        """Refuse, before models run, what cannot be had of a pool with so many rows of each language."""
        languages, rows, trust = tuple(counts), self.settings.rows(sum(counts.values())), wish.trust(counts)
        require_target(wish.target, languages, self.plan, self.engine, self.settings, wish.asked)
        if wish.base is not None:
            require_target(wish.base, languages, self.plan, self.engine, self._anywhere, wish.asked)
        if wish.quotas != OF_TARGET:
            resolve_language_quotas(wish.quotas, counts, rows, trust)

    def map_all(self, read: list[ReadTask], wish: Wish) -> Material:
        """Map pool, target and base, and settle how many rows are chosen of each language."""
        pool = self.map_pool(read)
        rows, trust = self.settings.rows(pool.n), wish.trust(pool.counts)
        target, space = self.map_target(pool, wish)
        wanted = Counter(target.languages)
        material = Material(
            pool,
            target,
            space,
            rows,
            resolve_language_quotas(wish.quotas, pool.counts, rows, trust, target=wanted),
            trust,
            self.settings.seed,
            encode=partial(_encode, self.plan.model),
            margins=None if pool.translations is None else self.measure_margins(pool, wish),
            base=None if wish.base is None else self.map_base(pool, wish),
        )
        if isinstance(self.plan.category, Router):
            material.tell(self.plan.category.describe(self.plan.model))
        if trust is not None:
            material.tell(describe_reliability(trust))
        if material.margins is not None:
            material.tell(describe_margins(material.margins))
        return material

    def map_pool(self, read: list[ReadTask]) -> PoolArrays:
        """Run the map phases on what was read, and gather what they left."""
        with self.clock.timing("mapping the pool"):
            return gather_pool(map_shards(read, self.plan, self.engine), skip_bad=self.settings.skip_bad)

    def map_target(self, pool: PoolArrays, wish: Wish) -> tuple[Target, Space]:
        """Read the target, and bring pool and target into one space."""
        with self.clock.timing("mapping the target"):
            found = find_target(wish.target, pool, self.plan, self.engine, self.settings, wish.asked)
        with self.clock.timing("language means"):
            return found, make_space(pool, found, align=wish.align, folder=self.plan.sidecars.folder)

    def measure_margins(self, pool: PoolArrays, wish: Wish) -> Float[np.ndarray, " n"]:
        """How near rows are to their translations."""
        with self.clock.timing("margins of translations"):
            return measure_margins(pool, align=wish.align, seed=self.settings.seed, progress=self.plan.progress)

    def map_base(self, pool: PoolArrays, wish: Wish) -> Space:
        """Read what a model has been trained on, and bring it and the pool into one space."""
        with self.clock.timing("mapping the base"):
            found = find_target(wish.base, pool, self.plan, self.engine, self._anywhere, wish.asked)
            return make_space(pool, found, align=wish.align, folder=self.plan.sidecars.folder)

    @property
    def _anywhere(self) -> ChoiceSettings:
        """The settings, with languages allowed that the pool lacks."""
        return replace(self.settings, across_languages=True)

    def choose(self, material: Material, options: Mapping[str, Mapping[str, Any]], told: Told) -> DataSelection:
        """Choose by all methods, judge them, and put the result together."""
        notes = material.notes
        arms = self._arms(material, options)
        chosen = arms[self.settings.method].rows
        judge = Judge(material.space, material.pool.quality, self.settings.seed)
        with self.clock.timing("judging"):
            draws = RandomDraws(judge, material.quotas is not None, self.settings.n_draws, self.settings.seed)
            table = judge_arms({name: arm.rows for name, arm in arms.items()}, draws)
            curve = cost_curve(judge, chosen, draws.like(chosen))
        return put_together(judge, material, arms, (table, curve), self.settings, told, self.clock.seconds, notes)

    def _arms(self, material: Material, options: Mapping[str, Mapping[str, Any]]) -> dict[str, Chosen]:
        """The method's choice, and those of the methods to compare that can choose."""
        arms: dict[str, Chosen] = {}
        for name in dict.fromkeys((self.settings.method, *self.settings.compare)):
            try:
                with self.clock.timing(f"choosing: {name}"):
                    arms[name] = run_method(name, replace(material, options=options.get(name, {})))
            except SettingError as error:
                if name == self.settings.method:
                    raise
                material.notes.append(f"{name} is left out: {error}")
        return arms


def _encode(model: ModelSettings, texts: Sequence[str]) -> Float[np.ndarray, "n d"]:
    """Vectors of texts that are no rows, such as names of labels."""
    from xalign.selecting.models.embedders import load_embedder

    return load_embedder(model).encode(list(texts))


class Clock:
    """Seconds by name of what took them."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        """Time what runs inside."""
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)
