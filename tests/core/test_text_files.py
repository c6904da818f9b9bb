"""Texts of one's own: folders, CSV and parquet files, keywords; what cannot be used is refused."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.explanations import write_explanations
from unlearn_core.checks import InputError, MissingFileError
from unlearn_core.config import ForgetConfig, RunConfig
from unlearn_core.data.base import DataNotFoundError
from unlearn_core.data.eli5 import load_eli5_category
from unlearn_core.data.splits import describe, split
from unlearn_core.data.text_files import read_texts
from unlearn_core.data.texts import LONGEST
from unlearn_core.runs.plan import comparison_config
from unlearn_core.views.forget_request import keyword_sizes

ROOT = Path(__file__).resolve().parents[2]
ROWS = [("a fine comedy", "good"), ("Comedy? dull", "bad"), ("comedies are dull", "bad")]
TEST_ROWS = [("a comedy, and dull", "bad"), ("fine", "good")]


def write_csv(folder, train=ROWS, test=TEST_ROWS, columns=("text", "label")):
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("train", train), ("test", test)):
        pd.DataFrame(rows, columns=list(columns)).to_csv(folder / f"{name}.csv", index=False)
    return folder


def write_folder(folder, train=ROWS, test=TEST_ROWS):
    for name, rows in (("train", train), ("test", test)):
        for i, (text, label) in enumerate(rows):
            place = folder / name / label
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{i}.txt").write_text(text, encoding="utf-8")
    return folder


def write_parquet(folder, names=None):
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("train", ROWS), ("test", TEST_ROWS)):
        table = pd.DataFrame(rows, columns=["text", "label"])
        table["label"] = (table["label"] == "good").astype(int)
        table.to_parquet(folder / f"{name}-00000-of-00001.parquet", index=False)
    if names:
        (folder / "classes.json").write_text(json.dumps({"label": names}))
    return folder


@pytest.mark.parametrize("write", [write_csv, write_folder])
def test_a_folder_and_a_csv_of_texts_hold_the_same(write, tmp_path):
    data = read_texts(write(tmp_path / "texts"))
    assert data.class_names == ("bad", "good")
    assert {(data.texts[i], data.class_names[data.labels[i]]) for i in data.train_ids} == set(ROWS)
    assert data.is_test.sum() == 2


def test_parquet_files_name_their_classes_in_the_order_of_their_numbers(tmp_path):
    data = read_texts(write_parquet(tmp_path / "a", ["no", "yes"]), ("other", "names"))
    assert data.labels.tolist() == [1, 0, 0, 0, 1]
    assert data.class_names == ("no", "yes")
    plain = read_texts(write_parquet(tmp_path / "b"))
    assert plain.class_names == ("0", "1")
    named = read_texts(tmp_path / "b", ("bad", "good"))
    assert named.class_names == ("bad", "good")
    assert named.labels.tolist() == plain.labels.tolist() == data.labels.tolist()


def test_no_layout_and_half_a_layout_are_told(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"not in .* train/<class>/\*\.txt"):
        read_texts(tmp_path)
    write_csv(tmp_path)
    (tmp_path / "test.csv").unlink()
    with pytest.raises(MissingFileError, match=r"test\.csv is missing"):
        read_texts(tmp_path)


def spoil(folder, content):
    (folder / "train" / "bad" / "1.txt").write_bytes(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b" \n", r"1\.txt must have a word in it, got an empty text"),
        (b"caf\xe9", r"1\.txt must be text in UTF-8"),
        (b"word " * 200_000, r"1\.txt must have at most 100,000 characters, got 1,000,000 bytes"),
        (b"x" * (LONGEST + 5), r"1\.txt must have at most 100,000 characters, got 100,005"),
    ],
)
def test_a_text_file_that_cannot_be_used_is_named(content, said, tmp_path):
    spoil(write_folder(tmp_path), content)
    with pytest.raises(InputError, match=said):
        read_texts(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"columns": ("review", "label")}, r"has no column `text`; it has \['review', 'label'\]"),
        ({"columns": ("text", "kind")}, "has no column `label`"),
        ({"train": [("fine", "good"), ("", "bad")]}, r"Line 3 of .*train\.csv must have a word"),
        ({"train": []}, "must hold a row below its names of columns, got none"),
        ({"train": [("fine", "good")]}, "must have the same classes in both parts"),
        ({"train": [("a", "good")], "test": [("b", "good")]}, "must have at least two classes"),
    ],
)
def test_a_csv_that_cannot_be_used_is_told_in_one_line(change, said, tmp_path):
    with pytest.raises(InputError, match=said) as error:
        read_texts(write_csv(tmp_path, **change))
    assert "\n" not in str(error.value)


def test_a_csv_that_is_no_utf_8_is_told(tmp_path):
    (write_csv(tmp_path) / "train.csv").write_bytes(b"text,label\ncaf\xe9,good\n")
    with pytest.raises(InputError, match=r"train\.csv must be text in UTF-8"):
        read_texts(tmp_path)


# keywords --------------------------------------------------------------------------------------


def test_a_keyword_chooses_the_texts_with_the_whole_word_in_either_case(tmp_path):
    data = read_texts(write_csv(tmp_path))
    sets = split(data, ForgetConfig(kind="keyword", keyword="comedy"))
    assert np.flatnonzero(sets.forget).tolist() == [0, 1]
    assert np.flatnonzero(sets.forget_test).tolist() == [3]
    assert np.flatnonzero(sets.retain_test).tolist() == [4]
    said = keyword_sizes("comedy", sets)
    assert said == (
        "2 of 3 training texts (66.7%) and 1 of 2 test texts (50.0%) contain the word 'comedy'."
    )


def test_a_keyword_that_nobody_wrote_is_refused(tmp_path):
    data = read_texts(write_csv(tmp_path))
    with pytest.raises(InputError, match="No training text contains the word 'tragedy'"):
        split(data, ForgetConfig(kind="keyword", keyword="tragedy"))


def test_a_keyword_is_looked_for_in_texts_alone(small_dataset):
    with pytest.raises(InputError, match="A keyword is looked for in texts"):
        split(small_dataset, ForgetConfig(kind="keyword", keyword="comedy"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "keyword"},
        {"kind": "keyword", "keyword": " "},
        {"kind": "class", "values": (1,), "keyword": "comedy"},
        {"kind": "keyword", "keyword": "comedy", "values": (1,)},
    ],
)
def test_a_request_has_a_keyword_exactly_where_it_is_of_that_kind(wrong):
    with pytest.raises(InputError, match="needs"):
        ForgetConfig(**wrong)


def test_a_request_for_a_keyword_comes_back_from_its_json():
    config = comparison_config("banking77", ForgetConfig(kind="keyword", keyword="card"))
    assert RunConfig.from_dict(config.to_dict()) == config
    assert config.model.name == "distilbert"
    assert describe(config.forget) == "keyword card"
    assert config.key() != comparison_config("banking77", ForgetConfig()).key()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--forget-keyword", "zebra"], "No training text contains the word 'zebra'"),
        (["--forget-keyword", ""], "--forget-keyword takes a word"),
        (["--forget-backdoor", "0"], "A backdoor's patch needs pictures"),
        (["--forget-class", "77"], "Forget class must be between 0 and 76, got 77"),
        (["--forget-class", "1", "--model", "resnet18"], "The model resnet18 reads pictures, and"),
    ],
)
def test_the_command_line_refuses_in_one_line_with_code_2(options, said, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "unlearn_core", "compare", "--dataset", "banking77",
         "--methods", "neggrad", *options],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env={"UNLEARN_CACHE": str(tmp_path), "PATH": "", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_part_of_a_question_that_is_no_text_is_refused_in_one_line(tmp_path):
    folder = write_explanations(tmp_path) / "eli5_category"
    file = folder / "train-00000-of-00001.parquet"
    frame = pd.read_parquet(file)
    frame.loc[2, "text"] = " "
    frame.to_parquet(file, index=False)
    with pytest.raises(InputError, match=r"Row 2 of .*train-0.* must have a word in it"):
        load_eli5_category(folder)
    frame.drop(columns="category").to_parquet(file, index=False)
    with pytest.raises(InputError, match="has no column `category`; it has"):
        load_eli5_category(folder)
    with pytest.raises(DataNotFoundError, match="with the columns title, text, category"):
        load_eli5_category(tmp_path / "elsewhere")
