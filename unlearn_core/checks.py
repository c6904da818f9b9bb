"""Checks of arguments: one line that says what must hold and what came.

Lists are as welcome as arrays; what comes back is an array to compute with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class InputError(ValueError):
    """What a person asked for or gave cannot be; the message says what must hold and what came.

    The command line prints it as one line and exits with 2.
    """


class MissingFileError(InputError, FileNotFoundError):
    """A file or folder that a person named, or that is needed for what they ask, is not there."""


class KnownFailureError(RuntimeError):
    """Something did not work out though nobody made a mistake, and the message says all of it.

    Such as a loss that diverged or a full disk.  The command line prints it as one line and exits
    with 1.  Every exception that is neither this nor `InputError` is a fault of the program and
    shows its traceback.
    """


ROUNDING = 1e-6  # a probability may be off [0, 1] by so much
LARGEST_WHOLE = 2**63 - 1  # that arrays and tables hold; Python's and JSON's have no bound
LARGEST_COUNT = 10**9  # of epochs, steps or examples: more than can be waited for


def matrix(
    name: str, value: ArrayLike, axes: str = "n_examples, n_features"
) -> NDArray[np.float64]:
    """Return `value` in float64, or raise `ValueError` unless it is a non-empty, finite matrix."""
    array = np.asarray(value)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"`{name}` must have shape ({axes}), none of them 0, got {array.shape}.")
    return finite(name, array)


def finite(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return `value` in float64, or raise `ValueError` unless all of it is finite."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` must hold numbers, got {np.asarray(value).dtype}.") from None
    if not np.isfinite(array).all():
        n_bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"`{name}` has {n_bad} non-finite values out of {array.size}.")
    return array


def probability_matrix(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return a matrix (n_examples, n_classes) of numbers in [0, 1], or raise `ValueError`."""
    array = matrix(name, value, "n_examples, n_classes")
    low, high = float(array.min()), float(array.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise ValueError(
            f"`{name}` must be probabilities in [0, 1], got values from {low:.4g} to {high:.4g}."
        )
    return np.clip(array, 0.0, 1.0)


def whole_numbers(
    name: str, value: ArrayLike, n_examples: int | None = None, *, below: int | None = None
) -> NDArray[np.int64]:
    """Return a vector of whole numbers, such as labels, or raise `ValueError`.

    Parameters
    ----------
    name : str
    value : array-like of shape (n_examples,)
    n_examples : int, optional
        How many there must be; otherwise at least one.
    below : int, optional
        All must be at least 0 and below this.
    """
    array = np.asarray(value)
    wanted = "(n_examples,) with n_examples > 0" if n_examples is None else f"({n_examples},)"
    if array.ndim != 1 or not len(array) or len(array) != (n_examples or len(array)):
        raise ValueError(f"`{name}` must have shape {wanted}, got {array.shape}.")
    numbers = finite(name, array)
    if (numbers != np.round(numbers)).any():
        raise ValueError(f"`{name}` must be whole numbers, got {array.dtype} with fractions.")
    if below is not None and (numbers.min() < 0 or numbers.max() >= below):
        raise ValueError(
            f"`{name}` must be between 0 and {below - 1}, got values from "
            f"{numbers.min():.0f} to {numbers.max():.0f}."
        )
    return numbers.astype(np.int64)


def flags(name: str, value: ArrayLike, n_examples: int | None = None) -> NDArray[np.bool_]:
    """Return a vector of true and false, or raise `ValueError`; 0 and 1 will do."""
    return whole_numbers(name, value, n_examples, below=2).astype(bool)


def same_shape(**arrays: Any) -> None:
    """Raise `ValueError` unless all arrays or tensors have one shape."""
    shapes = {name: tuple(array.shape) for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        names = " and ".join(f"`{name}`" for name in shapes)
        came = " and ".join(str(shape) for shape in shapes.values())
        raise ValueError(f"{names} must have the same shape, got {came}.")
