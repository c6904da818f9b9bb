"""Data given through the page: what is refused, how it is laid out, named and found again."""

import io
import stat
import struct
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.cli.test_hostile_input import bomb
from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.config import DataConfig, ForgetConfig
from unlearn_core.data import DataNotFoundError, archive, content_of, load_dataset, uploads
from unlearn_core.data.recipes import texts as texts_recipe
from unlearn_core.data.splits import split
from unlearn_core.data.uploaded import uploads_root
from unlearn_core.engine.pipeline import execute
from unlearn_core.runs.plan import comparison_config
from unlearn_core.views.wording import comparison_title, data_label, run_title


@pytest.fixture(autouse=True)
def _own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path / "data"))


def picture(shade, side=8):
    content = io.BytesIO()
    Image.fromarray(np.full((side, side), shade, np.uint8)).save(content, "PNG")
    return content.getvalue()


def pets(n=5, **more):
    """Two classes of `n` images, and what else is given."""
    files = {f"cats/{i}.png": picture(10 + i) for i in range(n)}
    files |= {f"dogs/{i}.png": picture(200 + i) for i in range(n)}
    return {**files, **more}


def packed(files, **options):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", **options) as archived:
        for name, held in files.items():
            archived.writestr(name, held)
    content.seek(0)
    return content


def kept(files, name="pets"):
    return uploads.keep(name, archive.in_zip(f"{name}.zip", packed(files)))


def config_of(upload):
    return DataConfig(name="folder", content=upload.content)


def test_a_folder_per_class_becomes_a_data_set_of_which_a_fifth_is_for_testing():
    upload = kept(pets(10))
    dataset = load_dataset(config_of(upload), fetch=False)
    assert dataset.class_names == upload.classes == ("cats", "dogs")
    assert (len(dataset.train_ids), len(dataset.test_ids)) == (16, 4)
    assert (upload.n_train, upload.n_test, upload.n_skipped) == (16, 4, 0)
    for mask in (dataset.is_train, dataset.is_test):
        assert np.bincount(dataset.labels[mask]).tolist() == [mask.sum() // 2] * 2
    shades = {name: sorted(set(dataset.images[dataset.labels == label].ravel().tolist()))
              for label, name in enumerate(dataset.class_names)}  # fmt: skip
    assert shades == {"cats": list(range(10, 20)), "dogs": list(range(200, 210))}


def test_named_parts_are_kept_as_they_are():
    files = {f"{part}/{name}": held for part in ("train", "val") for name, held in pets(3).items()}
    upload = kept(files)
    assert (upload.n_train, upload.n_test) == (6, 6)


def test_a_folder_around_all_and_what_systems_add_do_not_matter():
    plain = kept(pets())
    around = {f"my/pets/{name}": held for name, held in pets().items()}
    around |= {"__MACOSX/my/._1.png": b"x", "my/pets/.DS_Store": b"x", "my/pets/README.txt": b"x"}
    again = kept(around, name="others")
    assert again.content == plain.content
    assert again.n_skipped == 1
    assert [upload.name for upload in uploads.kept()] == ["others"]


def test_a_folder_given_file_by_file_is_the_same_as_its_archive():
    files = [(f"pets/{name}", held) for name, held in pets().items()]
    upload = uploads.keep("pets", archive.one_by_one(files))
    assert upload.content == kept(pets()).content


def test_two_uploads_lie_side_by_side_and_each_config_is_given_its_own():
    first, second = kept(pets()), kept(pets(6), name="more pets")
    sizes = [len(load_dataset(config_of(upload)).labels) for upload in (first, second, first)]
    assert sizes == [10, 12, 10]
    choices = [uploads.choice_of(config_of(upload)) for upload in (first, second)]
    assert [uploads.named_by(choice)[1] for choice in choices] == [first.content, second.content]
    assert uploads.choice_of(DataConfig()) == "digits"
    assert data_label(config_of(second)) == "Your own images (more pets)"
    assert content_of("folder") == ""  # nothing is in the data root
    assert content_of("folder", first.content) == first.content


def test_a_run_on_an_upload_names_its_content_and_finds_it_again(store, no_maps):
    upload = kept(pets(20))
    start = comparison_config(
        "folder", ForgetConfig(kind="class", values=(1,)), width=4, epochs=1,
        precision="fp32", content=upload.content,
    )  # fmt: skip
    assert "(pets): forget class 1" in comparison_title(start)
    run = execute(start, store=store, device="cpu")
    assert run.manifest["data_content"] == run.config.data.content == upload.content
    assert run.config.key() == start.key()
    assert run.class_names == list(upload.classes)  # for titles, also once the images are gone
    assert run_title(run.config, run.class_names).count(f"class {upload.classes[1]}") == 1


def test_removed_images_are_missed_in_words_that_say_what_to_do():
    upload = kept(pets())
    uploads.remove(upload.content)
    assert uploads.kept() == []
    assert uploads.find(upload.content) is None
    with pytest.raises(DataNotFoundError, match="added on the Unlearn page and removed since"):
        load_dataset(config_of(upload), fetch=False)
    with pytest.raises(InputError, match="removed already"):
        uploads.remove(upload.content)
    assert kept(pets()).content == upload.content


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"cats/1.png": picture(1)}, "at least two classes, a folder each, got ['cats']"),
        ({"readme.md": b"x"}, "holds no image (.png"),
        ({"1.png": picture(1), "cats/2.png": picture(2)}, "1.png lies in none"),
        ({"cats/1.png": picture(1), "dogs/1.png": picture(2)}, "at least two images of 'cats'"),
        (pets(**{"cats/broken.png": b"no picture"}), "broken.png is not a readable image"),
        (
            {"train/a/1.png": picture(1), "train/b/1.png": picture(1), "test/a/1.png": picture(1)},
            "must hold images of 'b' in test/, got none",
        ),
    ],
    ids=["one class", "no image", "no class", "too few", "broken", "no test"],
)
def test_images_that_are_no_data_set_are_refused_in_one_line(files, words):
    with pytest.raises(InputError) as refused:
        kept(files)
    line = str(refused.value)
    assert words in line
    assert "\n" not in line
    assert str(uploads_root("folder")) not in line
    assert uploads.kept() == []
    assert not list(uploads_root("folder").glob("*"))


def link(name="cats/link.png"):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def pipe(name="cats/pipe.png"):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFIFO | 0o666) << 16
    return info


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../../evil.png", "leads out of it"),
        ("/etc/evil.png", "leads out of it"),
        ("C:/evil.png", "leads out of it"),
        ("cats\\..\\..\\evil.png", "leads out of it"),
        ("cats/" + "a" * 300 + ".png", "too long"),
        ("cats/\x1b[31m.png", "no text"),
        (link(), "a link, a pipe or a device"),
        (pipe(), "a link, a pipe or a device"),
    ],
    ids=["slip", "absolute", "drive", "backslashes", "long", "control", "link", "pipe"],
)
def test_names_and_kinds_that_reach_out_of_an_archive_are_refused(name, words, tmp_path):
    with pytest.raises(InputError) as refused:
        kept(pets(**{"cats/more.png": b""}) | {name: b"/etc/passwd"})
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not [p for p in tmp_path.rglob("*evil*")]


def test_an_archive_that_grows_beyond_measure_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(archive, "MOST_BYTES", 1_000_000)
    bomb = packed(pets(**{"cats/zeros.png": bytes(5_000_000)}), compression=zipfile.ZIP_DEFLATED)
    assert len(bomb.getvalue()) < 20_000
    with pytest.raises(InputError, match=r"at most 50,000 files of 1\.0 MB together, got 11 of 5"):
        archive.in_zip("bomb.zip", bomb)


def test_an_archive_that_lies_about_a_size_is_not_unpacked_further():
    content = bytearray(packed({"cats/1.png": bytes(5_000)}, compression=8).getvalue())
    place = content.find(b"PK\x01\x02")
    content[place + 24 : place + 28] = struct.pack("<I", 10)  # says ten bytes, holds thousands
    [entry] = archive.in_zip("liar.zip", io.BytesIO(bytes(content)))
    assert entry.n_bytes == 10
    with pytest.raises(InputError, match="cannot be unpacked"):
        entry.read()


def test_an_endless_list_of_files_is_refused_unread():
    content = bytearray(packed(pets()).getvalue())
    place = content.rfind(archive.END)
    content[place + 12 : place + 16] = struct.pack("<I", 2**31)
    with pytest.raises(InputError, match="it lists many more"):
        archive.in_zip("many.zip", io.BytesIO(bytes(content)))


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06 cut off"])
def test_what_is_no_archive_is_one_line(content):
    with pytest.raises(InputError, match="must be a zip archive"):
        archive.in_zip("pets.zip", io.BytesIO(content))


def test_an_encrypted_file_and_one_given_twice_are_named():
    content = bytearray(packed({"cats/1.png": b"x"}).getvalue())
    place = content.find(b"PK\x01\x02")
    content[place + 8] |= 1
    with pytest.raises(InputError, match=r"'cats/1.png', which is encrypted"):
        archive.in_zip("secret.zip", io.BytesIO(bytes(content)))
    with pytest.raises(InputError, match=r"holds cats/1.PNG more than once"):
        archive.one_by_one([("cats/1.png", b"a"), ("cats/1.PNG", b"b")])


def test_a_bomb_of_pixels_is_refused():
    with pytest.raises(InputError, match="larger than any image may be"):
        kept(pets(**{"cats/huge.png": bomb()}))


def test_a_disk_without_room_is_named_and_left_as_it_was(monkeypatch):
    monkeypatch.setattr(uploads, "free_bytes", lambda _folder: 1_000)
    with pytest.raises(KnownFailureError, match="are kept free"):
        kept(pets())
    assert not uploads_root("folder").exists()


def test_changed_files_of_an_upload_are_noticed():
    upload = kept(pets())
    folder = uploads_root("folder") / upload.content
    next(folder.rglob("*.png")).write_bytes(picture(77))
    with pytest.raises(InputError, match="they have changed since"):
        load_dataset(config_of(upload))


def test_a_request_on_an_upload_is_split_like_any_other():
    dataset = load_dataset(config_of(kept(pets(10))))
    sets = split(dataset, ForgetConfig(kind="class", values=(0,)))
    assert sets.forget.sum() == 8
    assert replace(DataConfig(), name="folder").content == ""


def test_images_that_are_kept_stay_where_they_are_given_again_and_that_is_interrupted(monkeypatch):
    first = kept(pets())

    def interrupted(*_args):
        raise RuntimeError("interrupted")

    monkeypatch.setattr(uploads, "read_once", interrupted)
    assert kept(pets()).content == first.content
    assert uploads.find(first.content) is not None


def letters(n=10, **columns):
    """A table of `n` texts of each of two classes; `columns` names its columns otherwise."""
    text, label = columns.get("text", "text"), columns.get("label", "label")
    rows = [f"{name},\"{start} no. {i},\nyours\"" for name, start in
            (("bills", "Please pay"), ("thanks", "It was kind")) for i in range(n)]  # fmt: skip
    return "\n".join([f"{label},{text}", *rows]) + "\n"


def notes(n=10, **more):
    """A folder of texts for each of two classes, and what else is given."""
    files = {f"bills/{i}.txt": f"Please pay no. {i}" for i in range(n)}
    return {**files, **{f"thanks/{i}.txt": f"It was kind no. {i}" for i in range(n)}, **more}


def kept_table(text, name="mail"):
    return uploads.keep(name, archive.one_by_one([(f"{name}.csv", text.encode())]))


def texts_of(upload):
    return load_dataset(DataConfig(name="texts", content=upload.content), fetch=False)


def test_a_table_of_texts_becomes_a_data_set_of_which_a_fifth_of_each_class_is_for_testing():
    upload = kept_table(letters())
    dataset = texts_of(upload)
    assert (upload.dataset, upload.noun, upload.classes) == ("texts", "texts", ("bills", "thanks"))
    assert (upload.n_train, upload.n_test) == (len(dataset.train_ids), len(dataset.test_ids))
    assert np.bincount(dataset.labels[dataset.is_test]).tolist() == [2, 2]
    wanted = {f"Please pay no. {i},\nyours" for i in range(10)}
    assert {text for text, label in zip(dataset.texts, dataset.labels, strict=True)
            if label == 0} == wanted  # fmt: skip
    assert uploads.choice_of(DataConfig(name="texts", content=upload.content)) == upload.choice


def test_texts_in_folders_and_tables_for_each_part_are_kept_too():
    folders = kept(notes(), name="notes")
    assert (folders.dataset, folders.n_train, folders.n_test) == ("texts", 16, 4)
    assert texts_of(folders).class_names == ("bills", "thanks")
    parts = kept({"mail/train.csv": letters(3), "mail/test.csv": letters(2), "mail/about.txt": "x"})
    assert (parts.dataset, parts.n_train, parts.n_test, parts.n_skipped) == ("texts", 6, 4, 1)
    assert {upload.noun for upload in [*uploads.kept(), kept(pets())]} == {"texts", "images"}
    assert kept(pets(**{"cats/about.txt": b"grey"})).dataset == "folder"


def test_what_describes_the_data_is_no_text_of_it_and_what_is_only_called_so_is():
    upload = kept(notes(**{"bills/README.txt": "x", "bills/license_plate.txt": "A plate."}))
    assert (upload.n_train + upload.n_test, upload.n_skipped) == (21, 1)
    folder = uploads_root("texts") / upload.content
    next(folder.rglob("license_plate.txt")).write_text("Another plate.")
    with pytest.raises(InputError, match="they have changed since"):
        texts_of(upload)


def test_the_recipe_follows_the_number_of_texts_that_were_given():
    few, more = (
        comparison_config("texts", ForgetConfig(kind="class", values=(0,)), content=upload.content)
        for upload in (kept_table(letters(30)), kept(notes(2000), name="notes"))
    )
    assert (few.training.epochs, more.training.epochs) == (60, texts_recipe(3200).epochs)
    assert more.training.epochs < few.training.epochs


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (letters(text="body"), "mail.csv has no column `text`; it has ['label', 'body']."),
        ("text,label\n", "must hold a row below its names of columns"),
        ("text,label\n ,a\nb,b\n", "Line 2 of mail.csv must"),
        ("text,label\na,a\nb,a\n", "texts of at least two classes, got ['a']"),
        ("text,label\na,a\nb,b\nc,b\n", "at least two texts of 'a', got 1"),
        ("text,label\n" + "long " * 30_000 + ",a\nb,b\n", "Line 2 of mail.csv must"),
    ],
    ids=["column", "no row", "empty", "one class", "one text", "too long"],
)
def test_tables_that_are_no_data_set_are_refused_in_one_line(text, words):
    with pytest.raises(InputError) as refused:
        kept_table(text)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert uploads.kept() == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (notes(**{"bills/empty.txt": "  "}), "bills/empty.txt must"),
        (notes(**{"bills/odd.txt": b"\xff\xfe\xfa"}), "bills/odd.txt must be text in UTF-8"),
        ({"train.csv": letters(), "more.csv": letters()}, "must hold one table, or train.csv and"),
        (
            {"train.csv": letters(), "test.csv": letters().replace("thanks", "jokes")},
            "must have the same classes in both parts, ['bills', 'thanks'], got 'jokes' too",
        ),
    ],
    ids=["empty", "bytes", "two tables", "another class"],
)
def test_texts_that_are_no_data_set_are_refused_in_one_line(files, words):
    with pytest.raises(InputError) as refused:
        kept(files)
    assert words in str(refused.value)
    assert str(uploads_root("texts")) not in str(refused.value)
    assert uploads.kept() == []
    assert not list(uploads_root("texts").glob("*"))


def test_texts_that_were_removed_are_missed_in_words_that_say_what_to_do():
    upload = kept_table(letters())
    uploads.remove(upload.content)
    with pytest.raises(DataNotFoundError, match="added on the Unlearn page and removed since"):
        texts_of(upload)


def test_a_run_on_given_texts_names_their_content_and_their_classes(store, no_maps):
    upload = kept_table(letters(20))
    start = comparison_config(
        "texts", ForgetConfig(kind="class", values=(1,)), width=8, epochs=1, precision="fp32",
        shape={"layers": 1, "heads": 2, "length": 16, "vocabulary": 200}, content=upload.content,
    )  # fmt: skip
    assert comparison_title(start).startswith("Your own texts (mail): forget class 1")
    run = execute(start, store=store, device="cpu")
    assert run.manifest["data_content"] == upload.content
    assert run.class_names == ["bills", "thanks"]
