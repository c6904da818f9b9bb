"""The hash of a data set's files: changed data makes other runs, and nothing else does."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from unlearn_core.config import DataConfig, ForgetConfig, ModelConfig, RunConfig, TrainingConfig
from unlearn_core.data import DataChangedError, content_of, load_dataset, with_content
from unlearn_core.data import content as module
from unlearn_core.engine.pipeline import execute
from unlearn_core.engine.request import validate
from unlearn_core.runs.plan import comparison_config
from unlearn_core.runs.store import Store


def write_images(folder, seed=0, n=12):
    random = np.random.default_rng(seed)
    for part in ("train", "test"):
        for label in ("cat", "dog"):
            (folder / part / label).mkdir(parents=True, exist_ok=True)
            for i in range(n):
                pixels = random.integers(0, 255, (8, 8), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / part / label / f"{i:02}.png")


@pytest.fixture
def images(tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write_images(tmp_path / "data" / "folder")
    return tmp_path / "data" / "folder"


def test_the_same_files_have_the_same_hash_wherever_and_whenever_they_lie(images, tmp_path):
    before = content_of("folder")
    assert len(before) == 16
    assert content_of("folder") == before
    shutil.move(images, tmp_path / "aside")
    shutil.copytree(tmp_path / "aside", images)
    (images / module.KEPT).unlink(missing_ok=True)
    assert content_of("folder") == before
    os.utime(images / "train" / "cat" / "00.png", (1, 1))
    (images / "README.md").write_text("not data")
    (images / ".DS_Store").write_text("not data")
    assert content_of("folder") == before


@pytest.mark.parametrize("change", ["pixels", "name", "less", "more", "class"])
def test_every_change_of_the_images_changes_the_hash(images, change):
    before = content_of("folder")
    path = images / "train" / "cat" / "00.png"
    look = path.stat()
    if change == "pixels":  # of the same size and date, as a careful copy would leave them
        content = bytearray(path.read_bytes())
        content[-20] ^= 1
        path.write_bytes(content)
        os.utime(path, ns=(look.st_atime_ns, look.st_mtime_ns))
        assert (path.stat().st_size, path.stat().st_mtime_ns) == (look.st_size, look.st_mtime_ns)
    elif change == "name":
        path.rename(path.with_name("99.png"))
    elif change == "less":
        path.unlink()
    elif change == "more":
        shutil.copy(path, path.with_name("99.png"))
    else:
        path.rename(images / "train" / "dog" / "99.png")
    assert content_of("folder") != before


def test_the_files_are_read_once_and_then_only_looked_at(images, monkeypatch):
    content_of("folder")
    assert (images / module.KEPT).is_file()
    monkeypatch.setattr(module, "hash_file", lambda path: pytest.fail(f"{path} was read again"))
    content_of("folder")


def test_the_hash_is_kept_elsewhere_where_the_data_cannot_be_written_to(
    images, tmp_path, monkeypatch
):
    (images / module.KEPT).mkdir()  # in the way of the file, for root too
    before = content_of("folder")
    monkeypatch.setattr(module, "hash_file", lambda path: pytest.fail(f"{path} was read again"))
    assert content_of("folder") == before
    assert list((tmp_path / "home").rglob("*.json"))


def test_links_that_lead_in_a_circle_and_pipes_do_not_stop_it(images):
    before = content_of("folder")
    (images / "train" / "cat" / "again").symlink_to(images / "train")
    os.mkfifo(images / "train" / "cat" / "pipe.png")
    assert content_of("folder") == before


def test_data_that_ships_or_is_not_there_has_no_hash_in_a_config(images):
    assert with_content(DataConfig(name="digits")) == DataConfig(name="digits")
    assert len(content_of("digits")) == 16
    assert content_of("cifar10") == ""
    assert with_content(DataConfig(name="cifar10")).content == ""


def test_a_request_on_changed_images_has_another_key_and_the_old_one_is_refused(images):
    forget = ForgetConfig(kind="class", values=(0,))
    before = comparison_config("folder", forget, width=4, epochs=1)
    assert before.data.content == content_of("folder")
    assert load_dataset(before.data).n_classes == 2
    write_images(images, seed=1)
    after = comparison_config("folder", forget, width=4, epochs=1)
    assert after.key() != before.key()
    assert after.comparison_key() != before.comparison_key()
    with pytest.raises(DataChangedError, match=f"must be those of content {before.data.content}"):
        load_dataset(before.data)


def test_changed_images_are_trained_on_again_and_never_answered_by_the_old_run(
    images, tmp_path, no_maps
):
    store = Store(tmp_path / "cache")
    config = RunConfig(
        data=DataConfig(name="folder"),
        model=ModelConfig(width=4),
        training=TrainingConfig(epochs=1, batch_size=8),
    )
    first = execute(config, store=store, device="cpu")
    assert first.manifest["data_content"] == first.config.data.content == content_of("folder")
    assert execute(config, store=store, device="cpu").key == first.key
    write_images(images, seed=1)
    second = execute(config, store=store, device="cpu")
    assert second.key != first.key
    assert not np.allclose(first.records().features, second.records().features)
    assert validate(config).data == replace(config.data, content=content_of("folder"))


def test_what_is_hidden_by_a_leading_dot_is_neither_read_nor_hashed(images):
    before, n_examples = content_of("folder"), len(load_dataset(DataConfig(name="folder")).labels)
    (images / "train" / ".git").mkdir()
    shutil.copy(images / "train" / "cat" / "00.png", images / "train" / "cat" / "._00.png")
    assert content_of("folder") == before
    assert len(load_dataset(DataConfig(name="folder")).labels) == n_examples
