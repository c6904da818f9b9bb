"""Downloading data sets into the data root, by libraries that know where they are.

What cannot be downloaded, such as without a network, is one line that says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from unlearn_core.checks import MissingFileError


def fetch_with_torchvision(folder: Path, name: str) -> None:
    """Let torchvision's data set `name` download its official files into the folder.

    Raises
    ------
    MissingFileError
        If they could not be downloaded, such as without a network.
    """
    from torchvision import datasets

    reader: Any = getattr(datasets, name)
    try:
        reader(str(folder), download=True)
    except (OSError, RuntimeError) as error:
        raise not_fetched(folder, error) from error


@contextmanager
def fetched_from_hugging_face(
    folder: Path, repository: str, names: Sequence[str]
) -> Iterator[list[Path]]:
    """Download files of a data set on the Hugging Face hub; they are there inside the `with`.

    They lie on the folder's disk, so that what is made of them can be moved into it.

    Raises
    ------
    MissingFileError
        If one could not be downloaded, such as without a network.
    """
    import huggingface_hub  # takes a second

    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".fetching") as place:
        find = partial(
            huggingface_hub.hf_hub_download, repository, repo_type="dataset", cache_dir=place
        )
        try:
            files = [Path(find(name)) for name in names]
        except OSError as error:
            raise not_fetched(folder, error) from error
        yield files


def not_fetched(folder: Path, error: Exception) -> MissingFileError:
    """Return what tells a person that a data set is neither here nor could be downloaded."""
    why = " ".join(str(error).split()).rstrip(".")
    return MissingFileError(
        f"The data set {folder.name!r} is not in {folder} and could not be downloaded: {why}. "
        "Set UNLEARN_DATA to the folder with one folder a data set."
    )
