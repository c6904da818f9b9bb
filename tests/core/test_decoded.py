"""Pictures are decoded once, and nothing old, damaged or half-written is served instead."""

import os
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tests.core.test_content import write_images
from unlearn_core.config import DataConfig
from unlearn_core.data import DATASETS, decoded, load_dataset
from unlearn_core.data.pictures import ImageDataset

CONFIG = DataConfig(name="folder")


@pytest.fixture
def images(tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(decoded, "default_root", lambda: tmp_path / "cache")
    write_images(tmp_path / "data" / "folder", seed=1)
    return tmp_path / "data" / "folder"


@pytest.fixture
def reads(monkeypatch):
    """Count how often the data set's own loader is called."""
    spec, calls = DATASETS["folder"], []

    def load(folder):
        calls.append(folder)
        return spec.load(folder)

    load.__wrapped__ = spec.load
    monkeypatch.setitem(DATASETS, "folder", replace(spec, load=load))
    return calls


def kept(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache" / "decoded").glob("*"))


def same(a, b):
    for name in ("images", "labels", "is_train", "is_test"):
        assert np.array_equal(getattr(a, name), getattr(b, name))
    for name in ("class_names", "mean", "std", "subclass_names"):
        assert getattr(a, name) == getattr(b, name)
    assert a.subclass_labels is None
    assert b.subclass_labels is None


def test_the_second_reading_decodes_nothing_and_gives_the_same_data(images, reads, tmp_path):
    read = DATASETS["folder"].load(images)
    reads.clear()
    first, second = load_dataset(CONFIG), load_dataset(CONFIG)
    assert len(reads) == 1
    same(first, read)
    same(second, read)
    assert len(kept(tmp_path)) == 1


def test_nobodys_change_of_the_pixels_reaches_the_file(images, reads):
    load_dataset(CONFIG).images[:] = 7
    assert not (load_dataset(CONFIG).images == 7).all()


def test_changed_pictures_are_read_again_and_the_old_ones_removed(images, reads, tmp_path):
    old = load_dataset(CONFIG).images.copy()
    [before] = kept(tmp_path)
    write_images(images, seed=2)
    new = load_dataset(CONFIG).images
    assert len(reads) == 2
    assert not np.array_equal(old, new)
    assert len(kept(tmp_path)) == 1
    assert kept(tmp_path) != [before]


def test_changed_code_reads_again(images, reads, monkeypatch):
    load_dataset(CONFIG)
    monkeypatch.setattr(decoded, "_hash_sources", lambda _own: "other")
    load_dataset(CONFIG)
    assert len(reads) == 2


@pytest.mark.parametrize("name", ["pixels.npy", "arrays.npz", "facts.txt"])
@pytest.mark.parametrize("damage", ["flipped", "short", "gone"])
def test_a_damaged_file_is_not_served_but_read_and_kept_again(
    images, reads, tmp_path, name, damage
):
    read = DATASETS["folder"].load(images)
    load_dataset(CONFIG)
    reads.clear()
    path = tmp_path / "cache" / "decoded" / kept(tmp_path)[0] / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content if damage == "flipped" else content[: len(content) // 2])
    same(load_dataset(CONFIG), read)
    assert len(reads) == 1
    load_dataset(CONFIG)
    assert len(reads) == 1


def test_without_room_or_permission_the_data_is_read_each_time(
    images, reads, tmp_path, monkeypatch
):
    monkeypatch.setattr(decoded, "free_bytes", lambda _folder: 10)
    load_dataset(CONFIG)
    assert not (tmp_path / "cache").exists()
    monkeypatch.undo()
    monkeypatch.setenv("UNLEARN_DATA", str(images.parent))
    (tmp_path / "file").touch()
    monkeypatch.setattr(decoded, "default_root", lambda: tmp_path / "file")
    assert isinstance(load_dataset(CONFIG), ImageDataset)
    assert (tmp_path / "file").read_bytes() == b""


def test_the_embedded_digits_are_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(decoded, "default_root", lambda: tmp_path / "cache")
    load_dataset(DataConfig())
    assert not (tmp_path / "cache").exists()


class Own(ImageDataset):
    """A data set with a preview of its own."""


@pytest.mark.parametrize(
    "change",
    [
        lambda read: replace(read, class_names=list(read.class_names)),
        lambda read: replace(read, mean=tuple(map(np.float32, read.mean))),
        lambda read: Own(**vars(read)),
    ],
)
def test_what_would_not_come_back_as_it_was_is_not_kept(images, monkeypatch, tmp_path, change):
    spec = DATASETS["folder"]

    def load(folder):
        return change(spec.load(folder))

    monkeypatch.setitem(DATASETS, "folder", replace(spec, load=load))
    for _ in range(2):
        dataset = load_dataset(CONFIG)
        assert type(dataset) is type(change(spec.load(images)))
        assert list(dataset.class_names) == ["cat", "dog"]
    assert not (tmp_path / "cache").exists()


def test_a_loader_without_a_source_file_is_read_each_time(images, monkeypatch, tmp_path):
    spec = DATASETS["folder"]
    monkeypatch.setitem(DATASETS, "folder", replace(spec, load=partial(spec.load)))
    assert load_dataset(CONFIG).n_classes == 2
    assert not (tmp_path / "cache").exists()


def test_what_a_killed_process_left_is_removed_and_other_data_stays(images, reads, tmp_path):
    place = tmp_path / "cache" / "decoded"
    left, fresh = place / "folder-x.dead.tmp", place / "folder-x.live.tmp"
    other = place / "folder-two-0123456789abcdef-01234567"
    for folder in (left, fresh, other):
        folder.mkdir(parents=True)
    os.utime(left, (0, 0))
    load_dataset(CONFIG)
    assert not left.exists()
    assert fresh.exists()
    assert other.exists()
    assert len(kept(tmp_path)) == 3
