"""Fashion-MNIST, Tiny-ImageNet and ImageNet-100, in every layout they come in."""

import gzip
import io
import json
import os
import struct
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from unlearn_core.config import DataConfig, ForgetConfig
from unlearn_core.data import DATASETS, DataNotFoundError, fetch_dataset, load_dataset
from unlearn_core.data.decoding import require_memory, to_array
from unlearn_core.data.fashion_mnist import CLASS_NAMES, load_fashion_mnist, read_idx
from unlearn_core.data.folder import load_folder
from unlearn_core.data.imagenet100 import load_imagenet100
from unlearn_core.data.tiny_imagenet import load_tiny_imagenet
from unlearn_core.data.wordnet import class_names
from unlearn_core.runs.plan import comparison_config

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("UNLEARN_DATA") or ROOT.parent / "shared" / "data")
GOLDFISH, BULLFROG, MACAW = "n01443537", "n01641577", "n01818515"
NEW = {
    "fashion_mnist": load_fashion_mnist,
    "tiny_imagenet": load_tiny_imagenet,
    "imagenet100": load_imagenet100,
}


def encoded(value, *, size=(64, 64), mode="RGB", kind="PNG"):
    colour = value if mode == "L" else (value, 0, 255 - value)
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, format=kind)
    return buffer.getvalue()


def write_parquet(file, labels, *, size=(64, 64), **columns):
    images = [{"bytes": encoded(10 * i, size=size), "path": None} for i in range(len(labels))]
    pd.DataFrame({"image": images, "label": labels, **columns}).to_parquet(file, index=False)


def write_image(file, value, **options):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(encoded(value, **options))


# --- what the three share ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shape"),
    [("fashion_mnist", (1, 28, 28)), ("tiny_imagenet", (3, 64, 64)), ("imagenet100", (3, 64, 64))],
)
def test_parquet_files_and_image_folders_hold_the_same_data_set(tmp_path, name, shape):
    load = NEW[name]
    for part, stored in (("train", "train"), ("test", "val")):
        (tmp_path / "parquet").mkdir(exist_ok=True)
        write_parquet(tmp_path / "parquet" / f"{part}-0.parquet", [0, 0, 1])
        for i, label in enumerate([0, 0, 1]):
            write_image(tmp_path / "images" / stored / str(label) / f"{i}.png", 10 * i)
    first, second = load(tmp_path / "parquet"), load(tmp_path / "images")
    assert first.images.shape == (6, *shape)
    assert (first.images == second.images).all()
    assert first.labels.tolist() == second.labels.tolist() == [0, 0, 1] * 2
    assert first.is_train.tolist() == second.is_train.tolist() == [True] * 3 + [False] * 3
    assert first.mean == second.mean
    assert len(first.mean) == len(first.std) == shape[0]


@pytest.mark.parametrize("name", NEW)
def test_what_is_nowhere_is_answered_with_where_and_how_to_lay_it_out(tmp_path, name):
    with pytest.raises(
        DataNotFoundError, match=f"{name}' is not in {tmp_path}/{name}.*val/<class>"
    ):
        NEW[name](tmp_path / name)


@pytest.mark.parametrize("name", ["cifar20", "tiny_imagenet", "imagenet100"])
def test_what_has_no_download_is_not_downloaded(tmp_path, monkeypatch, name):
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    with pytest.raises(DataNotFoundError, match=r"CIFAR-20 needs|Unpack|Lay the photos"):
        load_dataset(DataConfig(name=name))
    with pytest.raises(FileNotFoundError, match=f"'{name}' cannot be downloaded"):
        fetch_dataset(name)


@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (
            lambda f: (f / "test-0.parquet").unlink(),
            FileNotFoundError,
            "test-\\*.parquet is missing",
        ),
        (
            lambda f: pd.DataFrame({"image": [{"bytes": b"no"}], "label": [0]}).to_parquet(
                f / "train-0.parquet"
            ),
            ValueError,
            "Row 0 of .*train-0.parquet is not a readable image",
        ),
        (
            lambda f: pd.DataFrame({"image": [{"bytes": encoded(0)}], "kind": [0]}).to_parquet(
                f / "train-0.parquet"
            ),
            ValueError,
            "has no column `label`; it has \\['kind'\\]",
        ),
        (
            lambda f: write_parquet(f / "test-0.parquet", [200]),
            ValueError,
            "Labels must be between 0 and .*, got 0 to 200",
        ),
        (
            lambda f: write_parquet(f / "train-0.parquet", []),
            ValueError,
            "train-0.parquet holds no rows",
        ),
        (
            lambda f: (f / "train-0.parquet").write_bytes(b"PAR1"),
            ValueError,
            "train-0.parquet is not a readable parquet file",
        ),
    ],
)
def test_wrong_parquet_files_are_answered_with_what_is_wrong(tmp_path, name, spoil, error, message):
    for part in ("train", "test"):
        write_parquet(tmp_path / f"{part}-0.parquet", [0, 1])
    NEW[name](tmp_path)  # is fine before
    spoil(tmp_path)
    with pytest.raises(error, match=message):
        NEW[name](tmp_path)


def test_half_a_picture_is_answered_with_its_file(tmp_path):
    for part in ("train", "val"):
        for wnid in (GOLDFISH, MACAW):
            write_image(tmp_path / part / wnid / "0.JPEG", 5, kind="JPEG")
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, format="JPEG")
    (tmp_path / "val" / MACAW / "0.JPEG").write_bytes(buffer.getvalue()[:1000])
    with pytest.raises(ValueError, match=f"val/{MACAW}/0.JPEG is not a readable image"):
        load_tiny_imagenet(tmp_path)


def test_only_some_files_with_a_column_are_refused(tmp_path):
    write_parquet(tmp_path / "train-0.parquet", [0, 1], fine=[1, 2])
    write_parquet(tmp_path / "train-1.parquet", [0, 1])
    write_parquet(tmp_path / "test-0.parquet", [0, 1])
    with pytest.raises(ValueError, match=r"Only some of the files in .* have a column `fine`"):
        load_tiny_imagenet(tmp_path)


def test_columns_that_hold_no_whole_numbers_do_no_harm(tmp_path):
    write_parquet(tmp_path / "train-0.parquet", [0, 1], caption=["a", "b"])
    write_parquet(tmp_path / "test-0.parquet", [0, 1])
    assert load_tiny_imagenet(tmp_path).labels.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("part", ["validation", "valid", "val"])
def test_a_validation_part_is_the_test_set_where_there_is_no_other(tmp_path, part):
    write_parquet(tmp_path / "train-0.parquet", [0, 1])
    write_parquet(tmp_path / f"{part}-0.parquet", [1])
    assert load_tiny_imagenet(tmp_path).labels[2:].tolist() == [1]
    write_parquet(tmp_path / "test-0.parquet", [0])
    assert load_tiny_imagenet(tmp_path).labels[2:].tolist() == [0]


def test_class_names_come_from_the_file_beside_or_the_files_own_metadata(tmp_path):
    for part in ("train", "test"):
        write_parquet(tmp_path / f"{part}-0.parquet", [0, 1])
    assert load_imagenet100(tmp_path).class_names == ("0", "1")
    table = pq.read_table(tmp_path / "train-0.parquet")
    features = {"image": {"_type": "Image"}, "label": {"names": [MACAW, "own"]}}
    about = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    pq.write_table(
        pa.table(table.columns, schema=table.schema.with_metadata(about)),
        tmp_path / "train-0.parquet",
    )
    assert load_imagenet100(tmp_path).class_names == (f"{MACAW} macaw", "own")
    (tmp_path / "classes.json").write_text(json.dumps({"label": ["cat", "dog"]}))
    assert load_imagenet100(tmp_path).class_names == ("cat", "dog")


def test_a_class_that_is_only_trained_on_is_refused(tmp_path):
    for part, wnids in (("train", (GOLDFISH, MACAW)), ("val", (GOLDFISH, BULLFROG))):
        for wnid in wnids:
            write_image(tmp_path / part / wnid / "0.png", 5)
    with pytest.raises(ValueError, match=r"same classes in train and val, got .*n01818515.*n0164"):
        load_imagenet100(tmp_path)


@pytest.mark.parametrize(
    ("name", "official"),
    [("cifar10", "CIFAR10"), ("cifar100", "CIFAR100"), ("fashion_mnist", "FashionMNIST")],
)
def test_a_download_goes_where_the_data_is_read(tmp_path, monkeypatch, name, official):
    asked = []
    fake = SimpleNamespace(**{official: lambda root, download: asked.append((root, download))})
    monkeypatch.setattr("torchvision.datasets", fake)
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    with pytest.raises(DataNotFoundError):
        load_dataset(DataConfig(name=name), fetch=False)
    assert not asked
    with pytest.raises(DataNotFoundError):  # the fake one leaves nothing there
        load_dataset(DataConfig(name=name))
    assert asked == [(str(tmp_path / name), True)]


def test_a_download_that_fails_is_one_clear_line(tmp_path, monkeypatch):
    def offline(root, download):
        raise OSError("no route\nto host.\n")

    monkeypatch.setattr("torchvision.datasets", SimpleNamespace(FashionMNIST=offline))
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"could not be downloaded: no route to host\. Set"):
        load_dataset(DataConfig(name="fashion_mnist"))


def test_what_was_downloaded_is_read_at_once(tmp_path, monkeypatch):
    def fetch(folder):
        write_idx_files(folder / "FashionMNIST" / "raw")

    monkeypatch.setitem(DATASETS, "fashion_mnist", replace(DATASETS["fashion_mnist"], fetch=fetch))
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    assert load_dataset(DataConfig(name="fashion_mnist")).is_train.sum() == 3


def test_cifars_official_archive_is_read_without_a_download(tmp_path, monkeypatch):
    def reader(root, train):
        data = np.arange(2 * 32 * 32 * 3).reshape(2, 32, 32, 3).astype(np.uint8)
        return SimpleNamespace(data=data, targets=[0, 1] if train else [1, 0], classes=["a", "b"])

    monkeypatch.setattr("torchvision.datasets", SimpleNamespace(CIFAR10=reader))
    (tmp_path / "cifar10" / "cifar-10-batches-py").mkdir(parents=True)
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    dataset = load_dataset(DataConfig(name="cifar10"), fetch=False)
    assert dataset.images.shape == (4, 3, 32, 32)
    assert dataset.images[0, :, 0, 1].tolist() == [3, 4, 5]
    assert dataset.labels.tolist() == [0, 1, 1, 0]
    assert dataset.class_names == ("a", "b")


# --- Fashion-MNIST -------------------------------------------------------------------------


def idx(array):
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return struct.pack(">HBB", 0, 8, array.ndim) + sizes + array.astype(np.uint8).tobytes()


def idx_arrays():
    pixels = np.arange(5 * 28 * 28).reshape(5, 28, 28) % 251
    return {
        "train-images-idx3-ubyte": pixels[:3],
        "train-labels-idx1-ubyte": np.array([9, 0, 4]),
        "t10k-images-idx3-ubyte": pixels[3:],
        "t10k-labels-idx1-ubyte": np.array([1, 9]),
    }


def write_idx_files(folder, *, packed=False, **changed):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in idx_arrays().items():
        content = changed.get(name.replace("-", "_"), idx(array))
        file = folder / (f"{name}.gz" if packed else name)
        file.write_bytes(gzip.compress(content) if packed else content)
    return folder


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("place", ["", "raw", "FashionMNIST/raw"])
def test_the_official_files_keep_one_channel_order_and_names(tmp_path, packed, place):
    write_idx_files(tmp_path / place, packed=packed)
    dataset = load_fashion_mnist(tmp_path)
    assert dataset.images.shape == (5, 1, 28, 28)
    expected = np.arange(5 * 28 * 28).reshape(5, 1, 28, 28) % 251
    assert (dataset.images == expected).all()
    assert dataset.labels.tolist() == [9, 0, 4, 1, 9]
    assert dataset.is_test.tolist() == [False] * 3 + [True] * 2
    assert dataset.class_names == CLASS_NAMES
    assert (dataset.class_names[0], dataset.class_names[9]) == ("T-shirt/top", "Ankle boot")


def test_torchvision_reads_the_same_from_the_official_files(tmp_path):
    from torchvision.datasets import FashionMNIST

    write_idx_files(tmp_path / "FashionMNIST" / "raw")
    ours = load_fashion_mnist(tmp_path)
    for train, mask in ((True, ours.is_train), (False, ours.is_test)):
        theirs = FashionMNIST(str(tmp_path), train=train)
        assert (theirs.data.numpy() == ours.images[mask, 0]).all()
        assert (theirs.targets.numpy() == ours.labels[mask]).all()
        assert tuple(theirs.classes) == ours.class_names


def test_parquet_comes_before_the_official_files_and_these_before_a_folder(tmp_path):
    for part in ("train", "test"):
        for label in (0, 1):
            write_image(tmp_path / part / str(label) / "0.png", 5)
    assert len(load_fashion_mnist(tmp_path).labels) == 4
    write_idx_files(tmp_path)
    assert len(load_fashion_mnist(tmp_path).labels) == 5
    for part in ("train", "test"):
        write_parquet(tmp_path / f"{part}-0.parquet", [0, 1, 1])
    assert len(load_fashion_mnist(tmp_path).labels) == 6


def test_a_missing_official_file_means_they_are_not_there(tmp_path):
    (write_idx_files(tmp_path) / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataNotFoundError, match="the official files"):
        load_fashion_mnist(tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"train_images_idx3_ubyte": b"no"}, "train-images-idx3-ubyte is not a whole IDX file"),
        ({"train_images_idx3_ubyte": idx(np.zeros((3, 28, 28)))[:-1]}, "not a whole IDX file"),
        ({"train_images_idx3_ubyte": idx(np.zeros((3, 8, 8)))}, "got \\(3, 8, 8\\) and \\(3,\\)"),
        ({"t10k_labels_idx1_ubyte": idx(np.zeros(3))}, "got \\(2, 28, 28\\) and \\(3,\\)"),
        ({"t10k_labels_idx1_ubyte": idx(np.array([1, 10]))}, "between 0 and 9, got 0 to 10"),
    ],
)
def test_wrong_official_files_are_answered_with_what_is_wrong(tmp_path, changed, message):
    write_idx_files(tmp_path, **changed)
    with pytest.raises(ValueError, match=message):
        load_fashion_mnist(tmp_path)


def test_a_packed_file_that_is_cut_off_is_refused(tmp_path):
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(gzip.compress(idx(np.zeros((3, 28, 28))))[:-9])
    with pytest.raises(ValueError, match="cannot be unpacked"):
        read_idx(file)
    file.write_bytes(b"not gzip at all")
    with pytest.raises(ValueError, match="cannot be unpacked"):
        read_idx(file)


# --- Tiny-ImageNet -------------------------------------------------------------------------


def write_official_tiny(folder, wnids=(MACAW, BULLFROG, GOLDFISH)):
    """Write two grey or coloured training images a class, and one validation image each."""
    for k, wnid in enumerate(wnids):
        for i in range(2):
            file = folder / "train" / wnid / "images" / f"{wnid}_{i}.JPEG"
            write_image(file, 40 * k + i, kind="JPEG", mode="L" if i else "RGB")
        (folder / "train" / wnid / f"{wnid}_boxes.txt").write_text("0\t0\t62\t62\n")
        write_image(folder / "val" / "images" / f"val_{k}.JPEG", 40 * k, kind="JPEG")
    rows = [f"val_{k}.JPEG\t{wnid}\t0\t32\t44\t62\n" for k, wnid in enumerate(wnids)]
    (folder / "val" / "val_annotations.txt").write_text("".join(rows))
    (folder / "wnids.txt").write_text("\n".join(wnids) + "\n")
    words = {GOLDFISH: "goldfish, Carassius auratus", MACAW: "big parrot", "n1": "nothing"}
    (folder / "words.txt").write_text("".join(f"{k}\t{v}\n" for k, v in words.items()))
    write_image(folder / "test" / "images" / "test_0.JPEG", 0, kind="JPEG")
    return folder


def test_the_official_archive_has_classes_in_order_of_their_ids(tmp_path):
    dataset = load_tiny_imagenet(write_official_tiny(tmp_path))
    assert dataset.images.shape == (9, 3, 64, 64)
    assert dataset.labels.tolist() == [0, 0, 1, 1, 2, 2, 2, 1, 0]
    assert dataset.is_train.sum() == 6
    assert dataset.class_names == (f"{GOLDFISH} goldfish", BULLFROG, f"{MACAW} big parrot")
    assert dataset.images[0, :, 0, 0] == pytest.approx([80, 0, 175], abs=3)
    assert dataset.images[1, :, 0, 0].tolist() == [81, 81, 81]  # grey becomes colour
    assert dataset.images[6, :, 0, 0] == pytest.approx([0, 0, 255], abs=3)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "val/images/val_1.JPEG").unlink(), "names val_1.JPEG, but there is no"),
        (lambda f: (f / "val/images/val_1.JPEG").write_bytes(b"no"), "val_1.JPEG is not a readabl"),
        (lambda f: (f / "val/val_annotations.txt").write_text("\n"), "in train/, got none"),
        (
            lambda f: (f / "val/val_annotations.txt").write_text("val_0.JPEG\tn00000001\t0\n"),
            "must name images of the classes in train/, got n00000001",
        ),
        (
            lambda f: (f / "val/val_annotations.txt").write_text("val_0.JPEG\n"),
            "in train/, got val_0.JPEG",
        ),
        (
            lambda f: [p.unlink() for p in (f / "train" / MACAW / "images").iterdir()],
            f"{MACAW} holds no image",
        ),
    ],
)
def test_a_spoilt_official_archive_is_answered_with_what_is_wrong(tmp_path, spoil, message):
    write_official_tiny(tmp_path)
    spoil(tmp_path)
    with pytest.raises(ValueError, match=message):
        load_tiny_imagenet(tmp_path)


@pytest.mark.data
@pytest.mark.slow
def test_the_real_part_of_tiny_imagenet_is_read_whole(monkeypatch):
    if not (SHARED / "tiny_imagenet").is_dir():
        pytest.skip(f"tiny_imagenet is not in {SHARED}")
    monkeypatch.setenv("UNLEARN_DATA", str(SHARED))
    dataset = load_dataset(DataConfig(name="tiny_imagenet"))
    assert dataset.images.shape[1:] == (3, 64, 64)
    listed = json.loads((SHARED / "tiny_imagenet" / "classes.json").read_text())["label"]
    assert list(dataset.class_names) == listed
    counts = np.bincount(dataset.labels[dataset.is_train])
    assert len(set(counts)) == 1  # every class has as many
    sample = dataset.images[::10].astype(float) / 255
    assert sample.mean(axis=(0, 2, 3)) == pytest.approx(dataset.mean, abs=0.06)
    assert sample.std(axis=(0, 2, 3)) == pytest.approx(dataset.std, abs=0.03)


# --- ImageNet-100 --------------------------------------------------------------------------


def write_photos(folder, size):
    for part in ("train", "val"):
        for wnid in (GOLDFISH, MACAW):
            write_image(folder / part / wnid / "0.JPEG", 90, size=size, kind="JPEG")
    return folder


@pytest.mark.parametrize(("stored", "side"), [((400, 300), 224), ((213, 160), 160), ((64, 64), 64)])
def test_photos_keep_their_size_up_to_224(tmp_path, stored, side):
    dataset = load_imagenet100(write_photos(tmp_path, stored))
    assert dataset.images.shape == (4, 3, side, side)
    assert dataset.class_names == (f"{GOLDFISH} goldfish", f"{MACAW} macaw")


def test_one_small_photo_does_not_make_the_others_small(tmp_path):
    write_photos(tmp_path, (300, 300))
    write_image(tmp_path / "train" / GOLDFISH / "0.JPEG", 9, size=(75, 50), kind="JPEG")
    assert load_imagenet100(tmp_path).images.shape == (4, 3, 224, 224)


def test_a_wide_photo_keeps_its_middle_and_its_proportions():
    pixels = np.zeros((40, 80, 3), dtype=np.uint8)
    pixels[:, 20:60] = 200
    assert (to_array(Image.fromarray(pixels), 3, 40) == 200).all()


def test_photos_that_do_not_fit_in_memory_are_refused_before_they_are_read(tmp_path, monkeypatch):
    write_photos(tmp_path, (300, 300))
    needed = 2 * 3 * 224 * 224
    monkeypatch.setattr("unlearn_core.data.decoding.memory_bytes", lambda: 3.0 * needed)
    load_imagenet100(tmp_path)
    monkeypatch.setattr("unlearn_core.data.decoding.memory_bytes", lambda: 3.0 * needed - 1)
    with pytest.raises(ValueError, match=r"2 images of 224x224 pixels take .* a third"):
        load_imagenet100(tmp_path)


def test_all_of_imagenet100_at_224_pixels_needs_57_gb_of_memory(monkeypatch):
    monkeypatch.setattr("unlearn_core.data.decoding.memory_bytes", lambda: 58e9)
    require_memory(126_689, 3, 224)
    monkeypatch.setattr("unlearn_core.data.decoding.memory_bytes", lambda: 57e9)
    with pytest.raises(ValueError, match=r"126,689 .* take 19\.1 GB .* at most 19\.0 GB"):
        require_memory(126_689, 3, 224)
    require_memory(126_689, 3, 64)


def test_names_of_ids_do_not_depend_on_timm(tmp_path, monkeypatch):
    assert class_names(tmp_path, [MACAW, "cat"]) == (f"{MACAW} macaw", "cat")
    monkeypatch.setattr("unlearn_core.data.wordnet.find_spec", lambda _name: None)
    assert class_names(tmp_path, [MACAW]) == (MACAW,)


def test_photos_are_seen_by_networks_made_for_photos():
    forget = ForgetConfig(kind="class", values=(1,))
    assert comparison_config("imagenet100", forget).model.stem == "imagenet"
    assert comparison_config("tiny_imagenet", forget).model.stem == "cifar"


@pytest.mark.data
@pytest.mark.slow
def test_real_photos_are_read_at_224_pixels(tmp_path, monkeypatch):
    if not (SHARED / "imagenette").is_dir():
        pytest.skip(f"imagenette is not in {SHARED}")
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    (tmp_path / "imagenet100").symlink_to(SHARED / "imagenette")
    dataset = load_dataset(DataConfig(name="imagenet100"))
    assert dataset.images.shape[1:] == (3, 224, 224)
    assert dataset.class_names[0] == "tench"
    sample = dataset.images[::4].astype(float) / 255
    assert sample.mean(axis=(0, 2, 3)) == pytest.approx(dataset.mean, abs=0.06)


def test_a_persons_own_spoilt_first_image_is_named(tmp_path):
    write_photos(tmp_path, (8, 8))
    (tmp_path / "val").rename(tmp_path / "test")
    (tmp_path / "train" / GOLDFISH / "0.JPEG").write_bytes(b"no")
    with pytest.raises(ValueError, match=r"0\.JPEG is not a readable image"):
        load_folder(tmp_path)
