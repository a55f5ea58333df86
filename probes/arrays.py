"""What every measure asks of its arrays: one library, matching rows, finite values, float64 where sums are taken."""

import operator
from collections.abc import Sequence
from typing import Any

import array_api_compat
import numpy as np
from jaxtyping import Float, Int

Array = Any
"""A numpy or torch array; the shapes stand in the jaxtyping annotations around it."""

CHUNK_ELEMENTS = 1 << 22
"""How many numbers a temporary array may hold where a computation is cut into blocks."""


def namespace(*arrays: Array) -> Any:
    """Return the array library that all arrays come from.

    Raises:
        TypeError: If an argument is no array, or two come from different libraries.
    """
    try:
        return array_api_compat.array_namespace(*arrays)
    except TypeError as error:
        kinds = ", ".join(sorted({type(array).__name__ for array in arrays}))
        raise TypeError(f"arrays must come from one library, numpy or torch, got {kinds}; convert one") from error


def to_host(array: Array) -> np.ndarray:
    """Return the array as numpy, without a copy where it already is."""
    if array_api_compat.is_torch_array(array):
        return array.detach().cpu().numpy()
    return np.asarray(array)


def to_device_of(values: np.ndarray, like: Array, *, dtype: Any = None) -> Array:
    """Return numpy values as an array of the library, and on the device, of `like`."""
    return namespace(like).asarray(values, dtype=dtype, device=array_api_compat.device(like))


def working_dtype(x: Array) -> Any:
    """Return the type in which products of `x` are taken: float64 for float64 and whole numbers, else float32."""
    xp = namespace(x)
    narrow = xp.isdtype(x.dtype, "real floating") and x.dtype != xp.float64
    return xp.float32 if narrow else xp.float64


def is_float64(x: Array) -> bool:
    """Say whether `x` holds float64."""
    return x.dtype == namespace(x).float64


def checked(x: Array, *, name: str = "x", minimum: int = 4) -> Array:
    """Return a matrix that a measure can be taken of, cut off from any gradient.

    Raises:
        ValueError: If it has not two axes, fewer than `minimum` rows, no columns, values that are not real numbers, or
            one that is not finite.
    """
    xp = namespace(x)
    if x.ndim != 2:
        raise ValueError(f"{name} must have two axes, sentences and dimensions, got shape {tuple(x.shape)}")
    if x.shape[0] < minimum or x.shape[1] < 1:
        raise ValueError(
            f"{name} must have at least {minimum} rows and 1 column, got shape {tuple(x.shape)}; give more sentences"
        )
    if array_api_compat.is_torch_array(x):
        x = x.detach()
    if not xp.isdtype(x.dtype, ("real floating", "integral", "bool")):
        raise ValueError(f"{name} must hold real numbers, got {x.dtype}; give its real part, or convert it to float64")
    if xp.isdtype(x.dtype, "real floating"):
        _require_finite(xp, x, name)
    return x


def _require_finite(xp: Any, x: Array, name: str) -> None:
    if bool(xp.all(xp.isfinite(x))):
        return
    bad = np.flatnonzero(~np.isfinite(to_host(xp.astype(x, xp.float64))).all(axis=1))
    raise ValueError(
        f"{name} must be finite, got NaN or infinity in {bad.size} of {x.shape[0]} rows, first in row {bad[0]}; "
        "leave these sentences out or compute them in a wider type"
    )


def require_matching(x: Array, y: Array) -> None:
    """Refuse two matrices that do not hold the same number of rows, or come from different libraries.

    Raises:
        ValueError: If the numbers of rows differ.
        TypeError: If one is numpy and the other torch.
    """
    namespace(x, y)
    if x.shape[0] != y.shape[0]:
        raise ValueError(f"y must have the {x.shape[0]} rows of x, got {y.shape[0]}; rows are matched by position")


def require_same_width(x: Array, y: Array) -> None:
    """Refuse two matrices whose columns cannot be matched.

    Raises:
        ValueError: If the numbers of columns differ.
    """
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"y must have the {x.shape[1]} columns of x, got {y.shape[1]}; columns are matched by position"
        )


def require_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Refuse an option that is not one of the known words.

    Raises:
        ValueError: If `value` is none of `choices`.
    """
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def require_whole(name: str, value: int, *, minimum: int | None = None) -> None:
    """Refuse a number that is not whole, or below `minimum` if one is given.

    Raises:
        TypeError: If `value` is no whole number.
        ValueError: If it is below `minimum`.
    """
    try:
        operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name} must be a whole number, got {value!r}; give an int") from error
    if minimum is not None and value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}")


def require_neighbours(k: int, n: int, *, name: str = "k") -> None:
    """Refuse a number of neighbours that the other side cannot give.

    Raises:
        TypeError: If k is no whole number.
        ValueError: Unless 1 <= k <= n.
    """
    require_whole(name, k)
    if not 1 <= k <= n:
        raise ValueError(f"{name} must be between 1 and the {n} rows, got {k}; lower {name} or give more sentences")


def as_stack(stack: Array | Sequence[Array]) -> list[Array]:
    """Return a list of checked matrices with equal numbers of rows, from an (m, n, d) array or a list.

    Raises:
        ValueError: If the stack is empty, or a matrix is unfit or has another number of rows than the first.
    """
    members = [stack[i] for i in range(len(stack))]
    if not members:
        raise ValueError("stack must hold at least one matrix, got none")
    checked_members = [checked(x, name=f"stack[{i}]") for i, x in enumerate(members)]
    rows = [x.shape[0] for x in checked_members]
    for i, n in enumerate(rows):
        if n != rows[0]:
            raise ValueError(
                f"stack[{i}] must have the {rows[0]} rows of stack[0], got {n}; rows are matched by position"
            )
    namespace(*checked_members)
    return checked_members


def centred(x: Float[Array, "n d"]) -> tuple[Float[Array, "n d"], Float[Array, " d"]]:
    """Subtract the column means in float64.

    Returns:
        The centred columns, and the standard deviation of each (divided by n). A column that differs from its mean by
        rounding alone is set to zero and has deviation 0.
    """
    xp = namespace(x)
    wide = xp.astype(x, xp.float64)
    means = xp.mean(wide, axis=0)
    wide = wide - means
    deviations = xp.sqrt(xp.mean(wide * wide, axis=0))
    rounding = 8 * xp.finfo(xp.float64).eps * xp.abs(means)
    constant = deviations <= rounding
    if bool(xp.any(constant)):
        wide = xp.where(constant[None, :], xp.zeros_like(wide), wide)
        deviations = xp.where(constant, xp.zeros_like(deviations), deviations)
    return wide, deviations


def inner_product(a: Float[Array, "n k"], b: Float[Array, "n k"]) -> float:
    """Sum the products of two matrices entry by entry: rows in their own type, the sum of rows in float64."""
    xp = namespace(a, b)
    rows = np.einsum("ij,ij->i", a, b) if isinstance(a, np.ndarray) else xp.sum(a * b, axis=1)
    return float(xp.sum(xp.astype(rows, xp.float64)))


def row_chunks(n_rows: int, row_elements: int, *, elements: int = CHUNK_ELEMENTS) -> list[slice]:
    """Cut rows into consecutive slices of about `elements` numbers each, at least one row a slice."""
    step = max(1, elements // max(1, row_elements))
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


def inverse(permutations: Int[np.ndarray, "m n"]) -> Int[np.ndarray, "m n"]:
    """Return the inverse of each permutation."""
    inverted = np.empty_like(permutations)
    np.put_along_axis(inverted, permutations, np.broadcast_to(np.arange(permutations.shape[1]), permutations.shape), 1)
    return inverted
