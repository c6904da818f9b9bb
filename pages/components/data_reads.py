"""Cached reads of data sets: their sets for a request, and what a person sees of an example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from pages.components import reads
from unlearn_core.checks import InputError
from unlearn_core.config import DataConfig, ForgetConfig
from unlearn_core.data import (
    DataChangedError,
    DataNotFoundError,
    Dataset,
    load_dataset,
)
from unlearn_core.data.splits import split
from unlearn_core.records import Sets
from unlearn_core.runs import kept_labels
from unlearn_core.views import trigger
from unlearn_core.views.manifold import sprites
from unlearn_core.views.wording import known_names


def dataset(config: DataConfig) -> Dataset:
    """Return a data set; one that is not on this machine by its labels, where these are kept.

    Nothing is downloaded: showing a page must not wait for a network.
    """
    try:
        return whole_dataset(config)
    except (DataNotFoundError, DataChangedError):
        known = _stand_in(str(reads.store().root), config)
        if known is None:
            raise
        return known


def only_labels(config: DataConfig) -> bool:
    """Say whether only the labels of a data set are here, with what stands in for its examples.

    It is only read where labels of it are kept, which few data sets have.
    """
    if _stand_in(str(reads.store().root), config) is None:
        return False
    try:
        whole_dataset(config)
    except (DataNotFoundError, DataChangedError):
        return True
    return False


@st.cache_resource(max_entries=4, show_spinner=False)
def _stand_in(root: str, config: DataConfig) -> Dataset | None:
    return kept_labels.load(reads.store(), config)


@st.cache_resource(max_entries=4, show_spinner="Reading the images…")
def whole_dataset(config: DataConfig) -> Dataset:
    """Return a data set that is on this machine; `InputError` where it is not."""
    return load_dataset(config, fetch=False)


def class_names(config: DataConfig) -> Sequence[str]:
    """Return the names of a data set's classes; none where nothing here tells them."""
    if known := known_names(config):
        return known
    of_data = (one for one in reads.all_comparisons().values() if one.config.data == config)
    if told := next((one.class_names for one in of_data if one.class_names), ()):
        return told
    try:
        return dataset(config).class_names
    except InputError:
        return ()


@st.cache_resource(max_entries=16, show_spinner=False)
def sets(data: DataConfig, forget: ForgetConfig) -> Sets:
    """Return the forget, retain and test sets of a request, masks over the whole data set."""
    return split(dataset(data), forget)


def thumbnails(data: DataConfig, ids: Sequence[int]) -> list[str]:
    """Return a picture of each example as a data URL."""
    known, wanted = _thumbnails(data, only_labels(data)), [int(example_id) for example_id in ids]
    missing = list(dict.fromkeys(each for each in wanted if each not in known))
    pictures = dataset(data).previews(missing) if missing else ()
    known.update(zip(missing, map(picture, pictures), strict=True))
    return [known[example_id] for example_id in wanted]


def thumbnail(data: DataConfig, example_id: int) -> str:
    """Return a picture of one example as a data URL."""
    return thumbnails(data, [example_id])[0]


@st.cache_resource(max_entries=4, show_spinner=False)
def _thumbnails(data: DataConfig, tiles: bool) -> dict[int, str]:
    return {}


def shows_texts(data: DataConfig) -> bool:
    """Say whether a person sees texts of this data set's examples, and not pictures."""
    return isinstance(dataset(data).previews([0]), tuple)


def clean_dataset(config: DataConfig) -> Dataset:
    """Return a data set as it was before it was poisoned."""
    return dataset(replace(config, poison_target=None))


@st.cache_data(max_entries=1000, show_spinner=False)
def triggered_pictures(data: DataConfig, ids: tuple[int, ...]) -> list[str]:
    """Return a picture of each example with the backdoor's trigger as a data URL."""
    images = trigger.triggered_images(dataset(data), ids)
    return [sprites.thumbnail(image) for image in images]


@st.cache_data(max_entries=1000, show_spinner=False)
def trigger_pictures(data: DataConfig, example_id: int) -> list[str]:
    """Return an example without and with the trigger, and its place enlarged, as data URLs."""
    [clean] = clean_dataset(data).previews([example_id])
    [marked] = trigger.triggered_images(dataset(data), [example_id])
    return [picture(image) for image in (clean, marked, trigger.close_up(marked))]


def picture_sheet(data: DataConfig, ids: tuple[int, ...], word: str = "") -> dict[str, Any]:
    """Return what maps show of these examples on hover, in this order, the word marked."""
    return _picture_sheet(data, ids, word, only_labels(data))


@st.cache_data(max_entries=4, show_spinner="Preparing the pictures…")
def _picture_sheet(
    data: DataConfig, ids: tuple[int, ...], word: str, tiles: bool
) -> dict[str, Any]:
    return sprites.hovered(dataset(data).previews(ids), word)


def picture(image: Any) -> str:
    """Return a picture (channels, height, width) that is in no data set as a data URL."""
    return sprites.thumbnail(image)
