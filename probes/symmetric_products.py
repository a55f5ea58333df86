"""Inner products of symmetric matrices: as they are, with rows and columns permuted, or drawn with replacement.

CKA and RSA are such products, of Gram and dissimilarity matrices. A permutation or a resample of sentences moves rows
and columns of a matrix alike, so nulls and intervals need the matrices only. Symmetry halves the work: blocks of rows
are taken from the diagonal on, with the entries right of it counted twice.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, inner_product, inverse, namespace, row_chunks, to_device_of, to_host

GATHERED = 1 << 16
"""How many numbers of a row block are gathered at a time: few enough to stay in a processor's cache."""

BLOCK_ELEMENTS = 1 << 24
"""How many numbers are held beyond the matrices where many are compared with many permutations."""


def permuted_products(
    a: Float[Array, "n n"], b: Float[Array, "n n"], permutations: Int[np.ndarray, "m n"]
) -> Float[np.ndarray, " m"]:
    """Return `sum a[i, j] b[p_i, p_j]` for each permutation p; holds one more half of `a`."""
    chunks = row_chunks(a.shape[0], a.shape[0], elements=GATHERED)
    blocks = [counted(a[rows, rows.start :], 2.0) for rows in chunks]

    def products(part: Int[np.ndarray, "k n"]) -> Float[np.ndarray, " k"]:
        return np.array([sum(map(inner_product, blocks, _moved(b, permutation, chunks))) for permutation in part])

    return _in_threads(products, permutations) if isinstance(b, np.ndarray) else products(permutations)


def permuted_products_with_many(
    pivot: Float[Array, "n n"], matrices: Sequence[Float[Array, "n n"]], permutations: Int[np.ndarray, "m n"]
) -> Float[np.ndarray, "s m"]:
    """Return `sum pivot[i, j] matrix[p_i, p_j]` for many matrices and permutations.

    The pivot is permuted (inversely) once for all matrices, and one product per block of rows gives every inner
    product.
    """
    n, xp = pivot.shape[0], namespace(pivot)
    products = np.zeros((len(matrices), permutations.shape[0]))
    orders = [to_device_of(permutation, pivot) for permutation in inverse(permutations)]
    for rows in row_chunks(n, n * max(1, len(matrices) + len(orders)), elements=BLOCK_ELEMENTS):
        moved = xp.stack([xp.reshape(_gathered(pivot, order, rows), (-1,)) for order in orders])
        blocks = xp.stack([xp.reshape(counted(matrix[rows, rows.start :], 2.0), (-1,)) for matrix in matrices])
        products += to_host(accumulated_product(blocks, moved))
    return products


def _moved(
    matrix: Float[Array, "n n"], permutation: Int[np.ndarray, " n"], chunks: list[slice]
) -> Iterator[Float[Array, "r w"]]:
    order = to_device_of(permutation, matrix)
    return (_gathered(matrix, order, rows) for rows in chunks)


def _gathered(matrix: Float[Array, "n n"], order: Int[Array, " n"], rows: slice) -> Float[Array, "r w"]:
    """Return rows of the permuted matrix from their diagonal on; numpy's clip mode skips a bounds check per element."""
    block, columns = matrix[order[rows], :], order[rows.start :]
    if isinstance(block, np.ndarray):
        return np.take(block, columns, axis=1, mode="clip")
    return namespace(block).take(block, columns, axis=1)


def counted(block: Float[Array, "r w"], weight: float) -> Float[Array, "r w"]:
    """Return the first rows of a symmetric matrix from their diagonal on, so that a product counts both triangles.

    Entries right of the diagonal are multiplied by `weight`, those left of it by 0: one factor of a product takes
    weight 2, or both take sqrt 2.
    """
    xp, height = namespace(block), block.shape[0]
    diagonal = xp.arange(height, device=block.device)
    kept, block = block[diagonal, diagonal], block * weight
    block[:, :height] = xp.triu(block[:, :height])
    block[diagonal, diagonal] = kept
    return block


def accumulated_product(a: Float[Array, "s k"], b: Float[Array, "m k"]) -> Float[Array, "s m"]:
    """Return `a @ b.T`, summed over short runs of columns in float64."""
    xp = namespace(a, b)
    total = xp.zeros((a.shape[0], b.shape[0]), dtype=xp.float64, device=a.device)
    for run in row_chunks(a.shape[1], 1, elements=1 << 16):
        total += xp.astype(a[:, run] @ b[:, run].T, xp.float64)
    return total


def _in_threads(
    products: Callable[[Int[np.ndarray, "k n"]], Float[np.ndarray, " k"]], permutations: Int[np.ndarray, "m n"]
) -> Float[np.ndarray, " m"]:
    """Share permutations between as many threads as BLAS may use: numpy gathers on one."""
    n_threads = blas_threads()
    if n_threads == 1:
        return products(permutations)
    with ThreadPoolExecutor(n_threads) as pool:
        return np.concatenate(list(pool.map(products, np.array_split(permutations, n_threads))))


def blas_threads() -> int:
    """Return how many threads BLAS may use."""
    from threadpoolctl import threadpool_info

    return max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)


class WeightedMatrix:
    """A symmetric matrix under many resamples: its rows and columns counted as often as each sentence is drawn.

    Attributes:
        matrix: The matrix of the sample.
        weights: How often each row is drawn, in the matrix' type.
        rows: Weighted row sums under each resample.
    """

    def __init__(self, matrix: Float[Array, "n n"], counts: Int[np.ndarray, "m n"]) -> None:
        self.matrix = matrix
        self.weights = to_device_of(counts, matrix, dtype=matrix.dtype)
        self.rows = self.weights @ matrix

    def sums(self, values: Float[Array, "m n"]) -> Float[np.ndarray, " m"]:
        """Return weighted sums over rows, in float64."""
        xp = namespace(self.weights)
        return to_host(xp.sum(xp.astype(self.weights * values, xp.float64), axis=1))

    @cached_property
    def total(self) -> Float[np.ndarray, " m"]:
        """The weighted sum of all entries."""
        return self.sums(self.rows)

    def product(self, other: "WeightedMatrix") -> Float[np.ndarray, " m"]:
        """Return the weighted inner product with another matrix under the same resamples."""
        return self.sums(self.weights @ (self.matrix * other.matrix))
