"""Texts that are downloaded: which files, what of them is kept, and one line where it fails."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from tests.reviews import write_reviews
from unlearn_core.config import DataConfig
from unlearn_core.data import DataNotFoundError, eli5, load_dataset
from unlearn_core.data.eli5 import REPOSITORY

PARTS = ("train", "validation-1", "validation-2", "test")


def question(title, category, *answers):
    texts, scores = zip(*answers, strict=True) if answers else ((), ())
    answered = {"text": list(texts), "score": list(scores)}
    return {"q_id": "x", "title": title, "selftext": "", "category": category, "answers": answered}


def questions():
    """Four files as of the authors: 30 questions of each of two subjects, and what is left out."""
    many = [
        question(f"Why {subject}\n {i}?", subject, (f"Worse {i}.", 2), (f"Because {i}.", 7))
        for i in range(30)
        for subject in ("Physics", "Earth Science")
    ]
    return {
        "train": [*many[::2], question("Why other?", "Other", ("So.", 3))],
        "validation-1": many[1::2],
        "validation-2": [question("Why again?", "Repost", ("So.", 3))],
        "test": [
            question("Why nobody?", "Physics"),
            question("Why nothing?", "Physics", (" ", 9)),
            question("Why Physics 3?", "Physics", ("Asked twice.", 5)),
            question("Which first?", "Physics", ("The first.", 4), ("The second.", 4)),
        ],
    }


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Let the hub hand out these files, and note which were asked for."""
    kept, asked = tmp_path / "hub", []

    def download(repository, name, *, repo_type, cache_dir):
        asked.append((repository, name, repo_type))
        file, blob = (Path(cache_dir) / place for place in (name, f"blob{len(asked)}"))
        file.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes((kept / name).read_bytes())
        file.symlink_to(blob)
        return str(file)

    kept.mkdir()
    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path / "data"))
    return kept, asked


def offer_questions(kept, **changed):
    for part, listed in {**questions(), **changed}.items():
        content = json.dumps(listed).encode()
        (kept / f"eli5-category-{part}.json.gz").write_bytes(gzip.compress(content))


def test_the_files_of_the_reviews_are_put_where_they_are_read(hub, tmp_path):
    kept, asked = hub
    write_reviews(tmp_path)
    (kept / "plain_text").mkdir()
    for file in (tmp_path / "imdb").iterdir():
        file.rename(kept / "plain_text" / file.name)
    with pytest.raises(DataNotFoundError):
        load_dataset(DataConfig(name="imdb"), fetch=False)
    assert not asked
    data = load_dataset(DataConfig(name="imdb"))
    assert {entry[0] for entry in asked} == {"stanfordnlp/imdb"}
    assert {entry[2] for entry in asked} == {"dataset"}
    assert (data.is_train.sum(), data.is_test.sum()) == (120, 40)
    assert data.class_names == ("negative", "positive")
    names = sorted(file.name for file in (tmp_path / "data" / "imdb").glob("*.parquet"))
    assert names == ["test-00000-of-00001.parquet", "train-00000-of-00001.parquet"]
    assert not list((tmp_path / "data" / "imdb").glob(".fetching*"))


def test_the_best_answers_of_the_subjects_are_kept(hub):
    kept, asked = hub
    offer_questions(kept)
    data = load_dataset(DataConfig(name="eli5_category"))
    assert [name for _, name, _ in asked] == [f"eli5-category-{p}.json.gz" for p in PARTS]
    assert {repository for repository, _, _ in asked} == {REPOSITORY}
    assert data.class_names == ("Earth Science", "Physics")
    texts = set(data.texts)
    assert "Why Physics 3?\nBecause 3." in texts  # the best answer, and once
    assert "Which first?\nThe first." in texts
    assert len(data.texts) == len(texts) == 61
    assert not [text for text in texts if "Worse" in text or "nobody" in text or "other" in text]


def test_every_tenth_of_a_subject_is_for_the_test(hub):
    offer_questions(hub[0])
    data = load_dataset(DataConfig(name="eli5_category"))
    assert Counter(data.labels[data.is_test].tolist()) == {0: 3, 1: 4}


def test_of_each_subject_as_many_are_drawn_and_always_the_same(hub, tmp_path, monkeypatch):
    offer_questions(hub[0])
    monkeypatch.setattr(eli5, "MOST", 20)
    found = []
    for name in ("one", "two"):
        eli5.fetch_eli5_category(tmp_path / name)
        found.append(pd.concat(map(pd.read_parquet, sorted((tmp_path / name).glob("*.parquet")))))
    assert found[0]["category"].value_counts().to_dict() == {"Physics": 20, "Earth Science": 20}
    pd.testing.assert_frame_equal(*found)


@pytest.mark.parametrize("name", ["imdb", "eli5_category"])
def test_without_a_network_one_line_says_so(name, tmp_path, monkeypatch):
    def offline(*_arguments, **_options):
        raise OSError("no route\nto host.\n")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", offline)
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"could not be downloaded: no route to host\. Set"):
        load_dataset(DataConfig(name=name))
    assert list((tmp_path / name).iterdir()) == []


def test_a_file_that_holds_something_else_is_named_and_nothing_is_kept(hub, tmp_path):
    offer_questions(hub[0], test=[{"title": "no answers"}])
    with pytest.raises(ValueError, match=r"eli5-category-test.json.gz of rexarski.*KeyError"):
        load_dataset(DataConfig(name="eli5_category"))
    assert list((tmp_path / "data" / "eli5_category").iterdir()) == []


def test_offline_the_librarys_own_error_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="could not be downloaded: ") as error:
        load_dataset(DataConfig(name="imdb"))
    assert "\n" not in str(error.value)
