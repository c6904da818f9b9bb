"""Data sets: what they must be, how files are read and what a bad file is answered with."""

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from tests.lanes import fast_lane
from unlearn_core.config import DataConfig, ForgetConfig, RunConfig
from unlearn_core.data import DATASETS, Dataset, get_dataset, load_dataset
from unlearn_core.data.base import data_root
from unlearn_core.data.batches import to_device
from unlearn_core.data.counting import count_training
from unlearn_core.data.folder import load_folder
from unlearn_core.data.images import _shared_crop_flip
from unlearn_core.data.pictures import ImageDataset
from unlearn_core.data.sources import read_image_folder, read_parquet
from unlearn_core.data.splits import describe, split
from unlearn_core.data.texts import TextDataset
from unlearn_core.runs.plan import comparison_config

CPU = torch.device("cpu")
ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("UNLEARN_DATA") or ROOT.parent / "shared" / "data")


def png(value, *, size=8, mode="RGB"):
    buffer = io.BytesIO()
    Image.new(mode, (size, size), value if mode == "L" else (value, 0, 255 - value)).save(
        buffer, format="PNG"
    )
    return buffer.getvalue()


def write_parquet(path, labels, **columns):
    images = [{"bytes": png(10 * i), "path": f"{i}.png"} for i in range(len(labels))]
    table = pd.DataFrame({"image": images, "label": labels, **columns})
    table.to_parquet(path, index=False)


def write_folder(root, classes=("cat", "dog"), n=2, mode="RGB", size=8):
    for part in ("train", "test"):
        for k, name in enumerate(classes):
            folder = root / part / name
            folder.mkdir(parents=True)
            for i in range(n):
                (folder / f"{i}.png").write_bytes(png(50 * k + i, mode=mode, size=size))
    return root


# --- the contract of every data set --------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize("name", fast_lane(DATASETS, ("digits",)))
def test_a_data_set_keeps_the_contract(name, monkeypatch):
    monkeypatch.setenv("UNLEARN_DATA", str(SHARED))
    needs = SHARED / ("cifar100" if name == "cifar20" else name)
    if get_dataset(name).embedded is None and not needs.is_dir():
        pytest.skip(f"{name} is not in {SHARED}")
    dataset = load_dataset(DataConfig(name=name))
    n = len(dataset.labels)
    assert len(dataset.previews(range(n))) == n
    if isinstance(dataset, ImageDataset):
        assert dataset.images.dtype == np.uint8
        assert dataset.images.ndim == 4
        assert len(dataset.mean) == len(dataset.std) == dataset.channels
    else:
        assert isinstance(dataset, TextDataset)
        assert all(text.strip() for text in dataset.texts)
    assert dataset.labels.dtype == np.int64
    assert not (dataset.is_train & dataset.is_test).any()
    assert (dataset.is_train | dataset.is_test).all()
    for part in (dataset.is_train, dataset.is_test):
        assert set(np.unique(dataset.labels[part])) == set(range(dataset.n_classes))
    assert len(set(dataset.class_names)) == dataset.n_classes
    if dataset.subclass_labels is not None:
        assert dataset.subclass_labels.max() < len(dataset.subclass_names)
        for subclass in range(len(dataset.subclass_names)):
            assert len(np.unique(dataset.labels[dataset.subclass_labels == subclass])) == 1


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_tells_what_it_is_and_its_usual_config_is_valid(name, monkeypatch, tmp_path):
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))  # no file of it is needed
    spec = get_dataset(name)
    assert spec.name == name
    assert spec.label
    assert spec.source
    usual = comparison_config(name, ForgetConfig(kind="class", values=(0,)))
    assert usual.training == spec.recipe(count_training(spec))
    assert (usual.model.width, usual.model.stem) == (spec.width, spec.stem)
    assert RunConfig.from_dict(usual.to_dict()) == usual  # checked once more, as read from a file


def test_the_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    bunch, dataset = load_digits(), load_dataset(DataConfig())
    assert (dataset.labels == bunch.target).all()
    assert np.abs(dataset.images[:, 0] / 255 * 16 - bunch.images).max() < 0.04
    assert dataset.is_test.sum() == 359
    shares = np.bincount(dataset.labels[dataset.is_test]) / np.bincount(dataset.labels)
    assert np.abs(shares - 0.2).max() < 0.01
    pixels = dataset.images[dataset.is_train] / 255
    assert dataset.mean[0] == pytest.approx(pixels.mean(), abs=1e-6)
    assert dataset.std[0] == pytest.approx(pixels.std(), abs=1e-6)


def test_a_part_of_the_training_set_is_stratified_repeats_and_keeps_the_test_set():
    whole = load_dataset(DataConfig())
    part = load_dataset(DataConfig(train_examples=105))
    assert part.is_train.sum() == 105
    assert set(np.bincount(part.labels[part.is_train])) == {10, 11}
    assert not (part.is_train & ~whole.is_train).any()
    assert (part.is_test == whole.is_test).all()
    assert (part.is_train == load_dataset(DataConfig(train_examples=105)).is_train).all()
    more = load_dataset(DataConfig(train_examples=200))
    assert not (part.is_train & ~more.is_train).any()  # smaller parts lie in larger ones


def test_more_training_examples_than_exist_are_refused():
    with pytest.raises(ValueError, match="at most 1438, the size of the training set, got 1439"):
        load_dataset(DataConfig(train_examples=1439))


def test_an_unknown_data_set_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"Unknown data set 'mnist'\. Known data sets: .*digits"):
        load_dataset(DataConfig(name="mnist"))


def test_the_data_root_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    assert data_root() == tmp_path
    monkeypatch.setenv("UNLEARN_DATA", "")
    assert data_root() == Path.home() / ".cache" / "unlearn" / "data"


# --- files ---------------------------------------------------------------------------------


def test_parquet_files_are_read_in_order(tmp_path):
    write_parquet(tmp_path / "train-00001-of-00002.parquet", [2], fine=[7])
    write_parquet(tmp_path / "train-00000-of-00002.parquet", [0, 1], fine=[5, 6])
    part = read_parquet(tmp_path, "train", 3, 8)
    assert part.images.shape == (3, 3, 8, 8)
    assert part.images[1, :, 0, 0].tolist() == [10, 0, 245]
    assert part.columns["label"].tolist() == [0, 1, 2]
    assert part.columns["fine"].tolist() == [5, 6, 7]
    assert read_parquet(tmp_path, "test", 3, 8) is None


def test_images_are_converted_to_the_asked_channels_and_size(tmp_path):
    write_parquet(tmp_path / "train-0.parquet", [0])
    assert read_parquet(tmp_path, "train", 1, 4).images.shape == (1, 1, 4, 4)


def test_parquet_files_of_a_persons_own_become_a_data_set(tmp_path):
    write_parquet(tmp_path / "train-0.parquet", [0, 1, 1])
    write_parquet(tmp_path / "test-0.parquet", [1])
    dataset = load_folder(tmp_path)
    assert dataset.class_names == ("0", "1")
    assert dataset.labels.tolist() == [0, 1, 1, 1]
    assert dataset.is_train.tolist() == [True, True, True, False]
    pixels = dataset.images[dataset.is_train] / 255
    assert dataset.mean == pytest.approx(tuple(pixels.mean(axis=(0, 2, 3))), abs=1e-6)
    assert dataset.std == pytest.approx(tuple(pixels.std(axis=(0, 2, 3))), abs=1e-6)
    (tmp_path / "classes.json").write_text(json.dumps({"label": ["cat", "dog"]}))
    assert load_folder(tmp_path).class_names == ("cat", "dog")


def test_superclasses_have_the_fine_labels_as_subclasses(tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    (tmp_path / "cifar100").mkdir()
    for part in ("train", "test"):
        write_parquet(
            tmp_path / "cifar100" / f"{part}-0.parquet", [2, 0, 1], coarse_label=[1, 0, 0]
        )
    dataset = load_dataset(DataConfig(name="cifar20"))
    assert dataset.labels.tolist() == [1, 0, 0, 1, 0, 0]
    assert dataset.subclass_labels.tolist() == [2, 0, 1, 2, 0, 1]
    assert dataset.subclass_names == ("0", "1", "2")
    assert load_dataset(DataConfig(name="cifar100")).labels.tolist() == [2, 0, 1, 2, 0, 1]


def test_an_image_folder_becomes_a_data_set(tmp_path):
    dataset = load_folder(write_folder(tmp_path))
    assert dataset.images.shape == (8, 3, 8, 8)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.labels.tolist() == [0, 0, 1, 1] * 2
    assert dataset.images[2, 0, 0, 0] == 50
    assert dataset.is_test.tolist() == [False] * 4 + [True] * 4


def test_grey_images_stay_grey_and_large_ones_become_small(tmp_path):
    assert load_folder(write_folder(tmp_path / "g", mode="L")).images.shape[1] == 1
    assert load_folder(write_folder(tmp_path / "l", size=100)).images.shape == (8, 3, 64, 64)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (
            lambda f: (f / "train-0.parquet").write_bytes(b"no"),
            ValueError,
            "not a readable parquet",
        ),
        (
            lambda f: pd.DataFrame({"picture": [1]}).to_parquet(f / "train-0.parquet"),
            ValueError,
            "has no column `image`; it has \\['picture'\\]",
        ),
        (
            lambda f: pd.DataFrame({"image": [{"bytes": b"no"}], "label": [0]}).to_parquet(
                f / "train-0.parquet"
            ),
            ValueError,
            "Row 0 of .*train-0.parquet is not a readable image",
        ),
        (lambda f: write_parquet(f / "train-0.parquet", [0, -1]), ValueError, "between 0 and"),
        (
            lambda f: write_parquet(f / "test-0.parquet", [5]),
            ValueError,
            "between 0 and 1, got 0 to 5",
        ),
        (
            lambda f: (f / "test-0.parquet").unlink(),
            FileNotFoundError,
            "test-\\*.parquet is missing",
        ),
    ],
)
def test_a_bad_parquet_file_is_answered_with_what_is_wrong(tmp_path, spoil, error, message):
    write_parquet(tmp_path / "train-0.parquet", [0, 1])
    write_parquet(tmp_path / "test-0.parquet", [0, 1])
    load_folder(tmp_path)  # is fine before
    spoil(tmp_path)
    with pytest.raises(error, match=message):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "test/dog").rename(f / "test/fox"), "same classes in train and test"),
        (lambda f: (f / "train/dog/0.png").write_bytes(b"no"), "0.png is not a readable image"),
        (lambda f: [p.unlink() for p in (f / "train/dog").iterdir()], "dog holds no image"),
    ],
)
def test_a_bad_image_folder_is_answered_with_what_is_wrong(tmp_path, spoil, message):
    write_folder(tmp_path)
    spoil(tmp_path)
    with pytest.raises(ValueError, match=message):
        load_folder(tmp_path)


def test_a_folder_of_one_class_or_without_images_is_refused(tmp_path):
    (tmp_path / "train" / "cat").mkdir(parents=True)
    (tmp_path / "test").mkdir()
    with pytest.raises(ValueError, match="holds no image"):
        load_folder(tmp_path)
    with pytest.raises(ValueError, match="at least two, got \\['cat'\\]"):
        read_image_folder(tmp_path / "train", 3, 8)


def test_data_that_is_nowhere_is_answered_with_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"not in {tmp_path}/folder.*UNLEARN_DATA"):
        load_dataset(DataConfig(name="folder"))


# --- splits --------------------------------------------------------------------------------


def assert_partition(dataset, sets):
    parts = np.stack([sets.forget, sets.retain, sets.forget_test, sets.retain_test])
    assert (parts.sum(axis=0) == (dataset.is_train | dataset.is_test)).all()
    assert ((sets.forget | sets.retain) == dataset.is_train).all()
    assert (sets.test == dataset.is_test).all()


@pytest.mark.parametrize(
    ("kind", "values", "column"),
    [("class", (1, 3), "labels"), ("subclass", (5,), "subclass_labels")],
)
def test_classes_and_subclasses_are_forgotten_in_training_and_test(
    small_dataset, kind, values, column
):
    sets = split(small_dataset, ForgetConfig(kind=kind, values=values))
    chosen = np.isin(getattr(small_dataset, column), values)
    assert_partition(small_dataset, sets)
    assert (sets.forget == (chosen & small_dataset.is_train)).all()
    assert (sets.forget_test == (chosen & small_dataset.is_test)).all()


def test_chosen_and_random_examples_leave_the_test_set_whole(small_dataset):
    chosen = split(small_dataset, ForgetConfig(kind="ids", values=(2, 9)))
    assert np.flatnonzero(chosen.forget).tolist() == [2, 9]
    drawn = split(small_dataset, ForgetConfig(kind="random", values=(5,)))
    again = split(small_dataset, ForgetConfig(kind="random", values=(5,)))
    larger = split(small_dataset, ForgetConfig(kind="random", values=(9,)))
    assert drawn.forget.sum() == 5
    assert (drawn.forget == again.forget).all()
    assert not (drawn.forget & ~larger.forget).any()
    for sets in (chosen, drawn):
        assert_partition(small_dataset, sets)
        assert not sets.forget_test.any()


def test_without_a_request_everything_is_retained(small_dataset):
    sets = split(small_dataset, ForgetConfig())
    assert not sets.forget.any()
    assert (sets.retain == small_dataset.is_train).all()


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("class", (4,), "Forget class must be between 0 and 3, got 4"),
        ("class", (0, 1, 2, 3), "leaves nothing to retain"),
        ("subclass", (8,), "Forget subclass must be between 0 and 7, got 8"),
        ("ids", (48,), "between 0 and 47, got 48"),
        ("ids", (0, 32, 33), "got 2 that are not, such as 32"),
        ("ids", tuple(range(32)), "leaves nothing to retain"),
        ("random", (0,), "between 1 and 31, got 0"),
        ("random", (32,), "between 1 and 31, got 32"),
    ],
)
def test_an_impossible_request_is_refused(small_dataset, kind, values, message):
    with pytest.raises(ValueError, match=message):
        split(small_dataset, ForgetConfig(kind=kind, values=values))


def test_a_class_without_training_examples_cannot_be_forgotten(small_dataset):
    rest = replace(small_dataset, is_train=small_dataset.is_train & (small_dataset.labels != 1))
    with pytest.raises(ValueError, match="class 1 matches no training example"):
        split(rest, ForgetConfig(kind="class", values=(1,)))


def test_a_request_is_described_as_the_command_line_spells_it():
    assert describe(ForgetConfig(kind="class", values=(3,))) == "class 3"
    assert describe(ForgetConfig()) == "none"
    many = describe(ForgetConfig(kind="ids", values=tuple(range(20))))
    assert many == "ids 0,1,2,3,4,5,6,7,... (20 in all)"


# --- batches -------------------------------------------------------------------------------


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def examples(dataset, augment="none"):
    return to_device(dataset, dataset.is_train, CPU, forget=dataset.labels == 1, augment=augment)


def test_batches_are_normalised_and_keep_ids_labels_and_forget_flags_together(small_dataset):
    seen = []
    for batch in examples(small_dataset).shuffled(5, seeded()):
        ids = batch.example_ids.numpy()
        seen += ids.tolist()
        expected = (small_dataset.images[ids] / 255 - 0.5) / 0.3
        assert batch.inputs.numpy() == pytest.approx(expected, abs=1e-5)
        assert (batch.labels.numpy() == small_dataset.labels[ids]).all()
        assert (batch.is_forget.numpy() == (small_dataset.labels[ids] == 1)).all()
    assert sorted(seen) == small_dataset.train_ids.tolist()
    assert seen != sorted(seen)


def test_passes_have_the_promised_number_of_steps_and_differ(small_dataset):
    source = examples(small_dataset)
    assert source.steps(5) == 7
    batches = list(source.epochs(2, 5, seeded()))
    assert len(batches) == 14
    first, second = (
        torch.cat([b.example_ids for b in half]) for half in (batches[:7], batches[7:])
    )
    assert sorted(first.tolist()) == sorted(second.tolist())
    assert not torch.equal(first, second)


def test_ordered_batches_come_in_order_of_ids_without_augmentation(small_dataset):
    batches = list(examples(small_dataset, augment="crop_flip").ordered(10))
    ids = torch.cat([batch.example_ids for batch in batches]).numpy()
    images = torch.cat([batch.inputs for batch in batches]).numpy()
    assert (ids == small_dataset.train_ids).all()
    assert images == pytest.approx((small_dataset.images[ids] / 255 - 0.5) / 0.3, abs=1e-5)


@pytest.mark.parametrize(("augment", "pad", "flips"), [("shift", 1, False), ("crop_flip", 1, True)])
def test_augmented_images_are_shifted_copies_of_the_originals(small_dataset, augment, pad, flips):
    source = examples(small_dataset, augment=augment)
    changed = 0
    for batch in source.shuffled(8, seeded(1)):
        for image, example_id in zip(batch.inputs, batch.example_ids.tolist(), strict=True):
            plain = (small_dataset.images[example_id, 0] / 255 - 0.5) / 0.3
            wide = np.pad(plain, pad, mode="edge")
            crops = [wide[i : i + 8, j : j + 8] for i in range(3) for j in range(3)]
            if flips:
                crops += [crop[:, ::-1] for crop in crops]
            assert min(np.abs(crop - image[0].numpy()).max() for crop in crops) < 1e-5
            changed += np.abs(plain - image[0].numpy()).max() > 1e-5
    assert changed > 10


def test_a_sample_is_drawn_without_replacement_and_repeats(small_dataset):
    source = examples(small_dataset)
    sample = source.sample(10, seeded(3))
    ids = sample.example_ids.tolist()
    assert len(set(ids)) == 10
    assert ids == source.sample(10, seeded(3)).example_ids.tolist()
    assert ids != source.sample(10, seeded(4)).example_ids.tolist()
    assert len(source.sample(1000, seeded())) == 32


def test_joined_examples_are_all_there(small_dataset):
    source = examples(small_dataset)
    first, second = source.take(torch.arange(3)), source.take(torch.arange(3, 8))
    joined = first.join(second)
    assert joined.example_ids.tolist() == source.example_ids[:8].tolist()
    assert joined.is_forget.tolist() == source.is_forget[:8].tolist()
    images = [next(part.ordered()).inputs for part in (joined, source)]
    assert torch.equal(images[0], images[1][:8])


def test_a_dataset_lists_its_ids(small_dataset):
    assert isinstance(small_dataset, Dataset)
    assert small_dataset.train_ids.tolist() == list(range(32))
    assert small_dataset.test_ids.tolist() == list(range(32, 48))
    assert small_dataset.n_classes == 4


def test_a_shared_crop_moves_all_images_alike_and_mirrors_some():
    dataset = load_dataset(DataConfig(name="fashion"))
    examples = to_device(dataset, dataset.is_test, CPU, augment="shared_crop_flip")
    plain = to_device(dataset, dataset.is_test, CPU)
    rows = torch.arange(64)
    batch = examples.augmented(rows, torch.Generator().manual_seed(1)).inputs
    still = plain.inputs.batch(plain.rows[rows])
    padded = torch.nn.functional.pad(still, (3, 3, 3, 3), mode="reflect")
    matches = {
        (top, left): [
            any(torch.equal(image, crop) for crop in (moved, moved.flip(-1)))
            for image, moved in zip(
                batch, padded[:, :, top : top + 28, left : left + 28], strict=True
            )
        ]
        for top in range(7)
        for left in range(7)
    }
    assert [place for place, same in matches.items() if all(same)]
    mirrored = [not torch.equal(a, b) for a, b in zip(batch, batch.flip(-1), strict=True)]
    assert any(mirrored)


def test_the_clothes_ship_with_the_project_and_are_those_of_fashion_mnist():
    dataset = load_dataset(DataConfig(name="fashion"))
    assert dataset.images.shape == (12_000, 1, 28, 28)
    assert dataset.is_train.sum() == 10_000
    assert dataset.class_names[dataset.labels[0]] == "Ankle boot"
    assert np.bincount(dataset.labels[dataset.is_test], minlength=10).min() > 150
    official = SHARED / "fashion_mnist"
    if official.is_dir():
        from unlearn_core.data.fashion_mnist import load_fashion_mnist

        whole = load_fashion_mnist(official)
        assert (dataset.images[:10_000] == whole.images[:10_000]).all()
        first_test = whole.is_train.sum()
        assert (dataset.images[10_000:] == whole.images[first_test : first_test + 2000]).all()


@pytest.mark.parametrize("size", [(1, 8), (4, 64), (1, 1), (8, 8)])
def test_a_shared_crop_of_images_that_are_too_low_to_reflect_moves_them_less(size):
    images = torch.rand(5, 3, *size)
    moved = _shared_crop_flip(images, torch.Generator().manual_seed(0))
    assert moved.shape == images.shape
