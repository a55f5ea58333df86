"""Where map tasks run: in this process, in several, or as Ray tasks; the same result to the byte."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, runtime_checkable

from tqdm import tqdm

from xalign.errors import SettingError, UnknownNameError, XalignError
from xalign.names import nearest

ENGINES = ("process", "ray")
AHEAD = 4
"""Ray tasks in the queue for each that runs."""
T = TypeVar("T")
R = TypeVar("R")


@runtime_checkable
class Engine(Protocol):
    """Runs a function on every task; results come in the order of the tasks."""

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """Run all tasks; an error of one ends all."""


class InProcess:
    """One task after the other, here."""

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """Run all tasks."""
        return map(function, tasks)


class Processes:
    """Tasks in processes of this machine, which keep the model they have loaded; a single task runs here.

    Args:
        pool: The processes.
    """

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """Run all tasks."""
        return self._pool.map(function, tasks) if len(tasks) > 1 else map(function, tasks)


class Ray:
    """Tasks on a Ray cluster, a few queued for each of its cores.

    Every node must see the pool, the model and the folder of sidecars under the same paths.

    Args:
        ray: The module, connected.
    """

    def __init__(self, ray: Any) -> None:
        self._ray = ray

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """Run all tasks."""
        remote = self._ray.remote(function)
        slots = AHEAD * max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        waiting: list[Any] = []
        for task in tasks:
            waiting.append(remote.remote(task))
            if len(waiting) > slots:
                yield self._result(waiting.pop(0))
        for reference in waiting:
            yield self._result(reference)

    def _result(self, reference: Any) -> Any:
        """A task's result, or its error as the function raised it."""
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause or error from None


@contextmanager
def running_engine(name: str, workers: int) -> Iterator[Engine]:
    """Start an engine, and end what was started.

    Args:
        name: "process", or "ray": the cluster that this process is connected to, that `RAY_ADDRESS` names, or one
            started here.
        workers: Processes at a time, 1 for this one; cores of a cluster that is started here.

    Raises:
        UnknownNameError: If there is no engine of that name.
        SettingError: If `workers` is below 1.
        XalignError: If Ray is not installed.
    """
    if name not in ENGINES:
        raise UnknownNameError(f"engine must be one of {', '.join(ENGINES)}, got {name!r}{nearest(name, ENGINES)}")
    if workers < 1:
        raise SettingError(f"workers must be 1 or more, got {workers}")
    if name == "ray":
        with _connected(import_ray(), workers) as ray:
            yield Ray(ray)
    elif workers == 1:
        yield InProcess()
    else:
        with _started(workers) as pool:
            yield Processes(pool)


@contextmanager
def _started(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that share the machine's cores, and end with this; what is queued then is dropped."""
    threads = max(1, (os.cpu_count() or 1) // workers)
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=begin_worker, initargs=(threads,)
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def begin_worker(n_threads: int) -> None:
    """Let torch, not loaded yet in a new process, use some threads unless the environment says otherwise.

    A process whose parent is killed would wait for ever for what to do next: it ends with its parent.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(n_threads))
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def run_phase(
    engine: Engine, function: Callable[[Any], int], tasks: Sequence[Any], *, name: str, progress: bool
) -> int:
    """Run the tasks of a phase whose sidecars are missing.

    Args:
        engine: Where.
        function: Makes one task's sidecar and returns its rows.
        tasks: With `is_done`.
        name: What the bar says.
        progress: Show a bar on stderr.

    Returns:
        How many tasks were done before.
    """
    left = [task for task in tasks if not task.is_done]
    with tqdm(desc=name, unit=" rows", disable=not progress or not left) as bar:
        for n in engine.map(function, left) if left else ():
            bar.update(n)
    return len(tasks) - len(left)


def import_ray() -> Any:
    """Import Ray, or say how to get it.

    Raises:
        XalignError: If it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise XalignError("engine 'ray' needs ray: pip install 'xalign-toolkit[ray]', or use --workers") from error
    return ray


@contextmanager
def _connected(ray: Any, workers: int) -> Iterator[Any]:
    """Use a cluster that is there; one that is started here, or a connection made here, ends here."""
    if ray.is_initialized():
        yield ray
        return
    if "RAY_ADDRESS" in os.environ:
        ray.init(log_to_driver=False)
    else:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    try:
        yield ray
    finally:
        ray.shutdown()
