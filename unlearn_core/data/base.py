"""The table of data sets, and what one consists of: examples, labels and splits."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import InputError, MissingFileError
from unlearn_core.config import TrainingConfig
from unlearn_core.data.recipes import RecipeOf, always, photographs

if TYPE_CHECKING:
    import torch

    from unlearn_core.data.inputs import Inputs


Previews = NDArray[np.uint8] | tuple[str, ...]
"""What a person sees of examples: pictures (n, channels, height, width), or their texts."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset(ABC):
    """Examples and labels of training and test set, in the data set's own order.

    An example's id is its row here and never changes: sets are given as masks or ids.  What the
    examples are, pictures or texts, a subclass says; nobody else asks.

    Attributes
    ----------
    labels : int64 ndarray of shape (n_examples,)
    is_train, is_test : bool ndarray of shape (n_examples,)
        An example in neither is left out (`DataConfig.train_examples`).
    class_names : tuple of str
    subclass_labels : int64 ndarray of shape (n_examples,) or None
        Finer labels within the classes, where the data set has them.
    subclass_names : tuple of str
    poisoned : bool ndarray of shape (n_examples,) or None
        Training images that carry a trigger and the attacker's label.
    mislabelled : bool ndarray of shape (n_examples,) or None
        Training examples whose labels were swapped.
    """

    labels: NDArray[np.int64]
    is_train: NDArray[np.bool_]
    is_test: NDArray[np.bool_]
    class_names: tuple[str, ...]
    subclass_labels: NDArray[np.int64] | None = None
    subclass_names: tuple[str, ...] = ()
    poisoned: NDArray[np.bool_] | None = None
    mislabelled: NDArray[np.bool_] | None = None

    @property
    @abstractmethod
    def channels(self) -> int:
        """Number of colours of a picture; 0 where examples are no pictures."""

    @abstractmethod
    def previews(self, example_ids: Sequence[int]) -> Previews:
        """Return what a person sees of these examples."""

    @abstractmethod
    def numbers(self, example_ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what tells these examples apart without a network, (n_examples, n_numbers)."""

    @abstractmethod
    def inputs(self, example_ids: NDArray[np.int64] | None, device: torch.device) -> Inputs:
        """Put these examples on a device, or all of them with None, as a network takes them."""

    @property
    def n_classes(self) -> int:
        """Number of classes, which is the number of the model's outputs."""
        return len(self.class_names)

    @property
    def train_ids(self) -> NDArray[np.int64]:
        """Ids of the training examples, ascending."""
        return np.flatnonzero(self.is_train)

    @property
    def test_ids(self) -> NDArray[np.int64]:
        """Ids of the test examples, ascending."""
        return np.flatnonzero(self.is_test)


Loader = Callable[[Path], Dataset]
Fetcher = Callable[[Path], None]


class DataNotFoundError(MissingFileError):
    """The data set is not on this machine."""


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """One row of `DATASETS`: how to load it, and how a network is trained on it by default.

    `load` only reads what is in the folder; `fetch` downloads into it, where that can be done.
    `recipe` gives the training that suits a number of training examples, of which the data set
    has `n_train` if its files do not tell.  `width`, `norm` and `stem` are what a network on this
    data has by default; `precision` is "auto" where half precision is used if it is fast here.
    `kind` names the presets of methods that suit it, beside those of its own name.
    `reaches` is the training accuracy that the recipe reaches at least: a model far below it has
    not fitted.
    `side` is the height and width of its pictures in pixels, where all have the same.
    `model` is the network that is trained on it unless a person chooses another, and `length` how
    many tokens it reads of a text.
    `folder` is the folder's name where it is not the data set's own, `embedded` finds the file of
    data that ships, and `class_names` gives the classes' names where these are known without files
    of a person's own.
    `may_be_shown` says whether its pictures may be handed on to others: not those of a person's own
    folder, nor those whose terms forbid it.
    """

    name: str
    label: str
    source: str
    load: Loader
    recipe: RecipeOf
    width: int
    norm: str = "group"
    stem: str = "cifar"
    precision: str = "fp32"
    kind: str = ""
    n_train: int = 5000
    reaches: float = 0.9
    side: int | None = None
    fetch: Fetcher | None = None
    folder: str = ""
    embedded: Callable[[], Path] | None = None
    class_names: Callable[[], Sequence[str]] = tuple
    may_be_shown: bool = True
    model: str = "resnet18"
    length: int = 64


AS_PHOTOGRAPHS: dict[str, Any] = {  # what `register_dataset` is given for photographs
    "recipe": photographs,
    "norm": "batch",
    "precision": "auto",
    "kind": "photographs",
}
DATASETS: dict[str, DatasetSpec] = {}


def register_dataset(  # noqa: PLR0913 - one argument a field of `DatasetSpec`
    name: str,
    *,
    label: str,
    source: str,
    recipe: RecipeOf | TrainingConfig,
    width: int = 64,
    norm: str = "group",
    stem: str = "cifar",
    precision: str = "fp32",
    kind: str = "",
    n_train: int = 5000,
    reaches: float = 0.9,
    side: int | None = None,
    fetch: Fetcher | None = None,
    folder: str = "",
    embedded: Callable[[], Path] | None = None,
    class_names: Callable[[], Sequence[str]] = tuple,
    may_be_shown: bool = True,
    model: str = "resnet18",
    length: int = 64,
) -> Callable[[Loader], Loader]:
    """Add the decorated loader to `DATASETS` under `name`."""

    def add(load: Loader) -> Loader:
        if name in DATASETS:
            raise ValueError(f"Two data sets are registered as {name!r}.")
        DATASETS[name] = DatasetSpec(
            name=name,
            label=label,
            source=source,
            load=load,
            recipe=always(recipe) if isinstance(recipe, TrainingConfig) else recipe,
            width=width,
            norm=norm,
            stem=stem,
            precision=precision,
            kind=kind,
            n_train=n_train,
            reaches=reaches,
            side=side,
            fetch=fetch,
            folder=folder,
            embedded=embedded,
            class_names=class_names,
            may_be_shown=may_be_shown,
            model=model,
            length=length,
        )
        return load

    return add


def get_dataset(name: str) -> DatasetSpec:
    """Look up a data set, or say which names would have worked."""
    try:
        return DATASETS[name]
    except KeyError:
        known = ", ".join(sorted(DATASETS))
        raise InputError(f"Unknown data set {name!r}. Known data sets: {known}.") from None


def data_root() -> Path:
    """Return the folder with one folder a data set: `UNLEARN_DATA`, or the user's cache."""
    default = Path.home() / ".cache" / "unlearn" / "data"
    return Path(os.environ.get("UNLEARN_DATA") or default)
