"""CKA beside the packages people use: the same number, and what it takes."""

import contextlib
import importlib
import io
from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks.rows import Row, agrees, outruns, skipped
from benchmarks.settings import Settings
from benchmarks.timing import side_by_side
from benchmarks.vectors import languages
from probes import linear_cka

N_SENTENCES, N_DIMENSIONS = 1004, 768
Compare = Callable[[np.ndarray, np.ndarray], float]


def rows(settings: Settings) -> Iterator[Row]:
    """Measure agreement and time with each peer that is installed."""
    yield from _beside("ckatorch", ckatorch_debiased, "debiased", settings, within=1e-6)
    yield from _beside("ckatorch", ckatorch_biased, "biased", settings, within=1e-6)
    yield from _beside("torch-cka", torch_cka_debiased, "debiased", settings, within=1e-5)
    yield from _beside("rsatoolbox", rsatoolbox_cosine, "biased", settings, within=1e-6)


def _beside(peer: str, compare: Compare, estimator: str, settings: Settings, *, within: float) -> Iterator[Row]:
    what, pairs = f"{estimator} CKA beside {peer}", [_pair(noise) for noise in (0.5, 1.0, 3.0)]
    size = f"{N_SENTENCES} x {N_DIMENSIONS}, float32"
    try:
        theirs = [compare(x, y) for x, y in pairs]
    except ImportError as error:
        yield skipped(what, str(error))
        return
    ours = [linear_cka(x, y, estimator=estimator).score for x, y in pairs]
    yield agrees(what, size + ", 3 pairs", ours, peer, theirs, within)
    x, y = pairs[0]
    times = side_by_side(
        lambda: linear_cka(x, y, estimator=estimator), lambda: compare(x, y), repeats=settings.repeats, warm=False
    )
    yield outruns(what, size, times, peer)


def _pair(noise: float) -> tuple[np.ndarray, np.ndarray]:
    x, y = languages(2, N_SENTENCES, N_DIMENSIONS, noise=noise)
    return x - x.mean(axis=0), y - y.mean(axis=0)  # torch-cka's float32 sums lose four digits on uncentred vectors


def ckatorch_debiased(x: np.ndarray, y: np.ndarray) -> float:
    """Return ckatorch's debiased linear CKA."""
    ckatorch = importlib.import_module("ckatorch")
    return float(ckatorch.cka_base(torch.from_numpy(x), torch.from_numpy(y), unbiased=True))


def ckatorch_biased(x: np.ndarray, y: np.ndarray) -> float:
    """Return ckatorch's plain linear CKA."""
    ckatorch = importlib.import_module("ckatorch")
    return float(ckatorch.cka_base(torch.from_numpy(x), torch.from_numpy(y)))


class Layer(torch.nn.Module):
    """A model whose one layer gives the vectors that go in: torch-cka asks for models."""

    def __init__(self) -> None:
        super().__init__()
        self.vectors = torch.nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input."""
        return self.vectors(x)


def torch_cka_debiased(x: np.ndarray, y: np.ndarray) -> float:
    """Return torch-cka's minibatch CKA of a single batch, which is the debiased one."""
    torch_cka = importlib.import_module("torch_cka")
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bars
        cka = torch_cka.CKA(Layer(), Layer(), "x", "y", ["vectors"], ["vectors"])
        cka.compare(_one_batch(x), _one_batch(y))
    return float(cka.export()["CKA"][0, 0])


def _one_batch(x: np.ndarray) -> torch.utils.data.DataLoader:
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.from_numpy(x)), batch_size=len(x))


def rsatoolbox_cosine(x: np.ndarray, y: np.ndarray) -> float:
    """Return rsatoolbox's whitened cosine of squared Euclidean dissimilarities, which is the biased linear CKA.

    Diedrichsen et al. (2021), Comparing representational geometries using whitened unbiased-distance-matrix similarity.
    """
    data, rdm = (importlib.import_module(f"rsatoolbox.{name}") for name in ("data", "rdm"))
    dissimilarities = [rdm.calc_rdm(data.Dataset(z.astype(np.float64)), method="euclidean") for z in (x, y)]
    return float(rdm.compare(*dissimilarities, method="cosine_cov")[0, 0])
