"""ELI5-Category: questions that people asked to have explained simply, and the best answers.

A part of the questions of one Internet forum, each of a category.  Unfiltered, as people wrote
them.  An example is the question, a new line, and its answer; its class is the category.  In the
Hugging Face layout with the columns `title`, `text` and `category`.

What is downloaded are the files of its authors.  As in RFA 10,000 questions of 10 categories are
taken of them, about as many of each: all but "Other" and "Repost".  Ours: which questions, by lot;
the answer of the highest score; every tenth is for the test.
Source: A. Fan et al., ELI5, arXiv:1907.09190; J. Gao et al., ELI5-Category, 2021.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearn_core.checks import InputError
from unlearn_core.data.base import register_dataset
from unlearn_core.data.fetching import fetched_from_hugging_face
from unlearn_core.data.recipes import answers
from unlearn_core.data.text_files import read_parquet_texts
from unlearn_core.data.texts import LONGEST, TextDataset
from unlearn_core.seeding import numpy_stream

if TYPE_CHECKING:
    import pandas as pd

TITLE, ANSWER, CATEGORY = "title", "text", "category"
REPOSITORY = "rexarski/eli5_category"
FILES = tuple(
    f"eli5-category-{part}.json.gz" for part in ("train", "validation-1", "validation-2", "test")
)
NO_SUBJECT = ("Other", "Repost")
MOST = 1123  # questions of a category, of which two have fewer: 9,999 in all
TEST_EVERY = 10


def fetch_eli5_category(folder: Path) -> None:
    """Download the authors' files, 73 MB, and keep a part of their questions as parquet files.

    Raises
    ------
    MissingFileError
        If they could not be downloaded, such as without a network.
    InputError
        If they hold something else than questions with answers.
    """
    import pandas as pd

    with fetched_from_hugging_face(folder, REPOSITORY, FILES) as files:
        rows = [row for file in files for row in _questions(file)]
    chosen = _part_of(pd.DataFrame(rows, columns=[TITLE, ANSWER, CATEGORY]))
    is_test = chosen.groupby(CATEGORY).cumcount() % TEST_EVERY == 0
    for split, part in (("test", chosen[is_test]), ("train", chosen[~is_test])):
        file = folder / f"{split}-00000-of-00001.parquet"  # that of training last: then all is here
        part.to_parquet(file.with_suffix(".part"), index=False)
        file.with_suffix(".part").replace(file)


def _questions(file: Path) -> Iterator[dict[str, str]]:
    """Yield the questions of one of the authors' files that have an answer, with the best one."""
    try:
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            listed: list[dict[str, Any]] = json.load(stream)
        for question in listed:
            texts, scores = question["answers"]["text"], question["answers"]["score"]
            best = max(zip(scores, range(len(texts)), strict=True), default=None, key=_rank)
            title = " ".join(question[TITLE].split())  # so that a new line parts it from the answer
            answer = "" if best is None else texts[best[1]]
            if title and answer.strip() and len(title) + len(answer) < LONGEST:
                yield {TITLE: title, ANSWER: answer, CATEGORY: question[CATEGORY]}
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file.name} of {REPOSITORY} is not as expected: {error!r}.") from error


def _rank(scored: tuple[int, int]) -> tuple[int, int]:
    """Return by what the best answer is found: its score, of equal ones the first."""
    return scored[0], -scored[1]


def _part_of(questions: pd.DataFrame) -> pd.DataFrame:
    """Return at most `MOST` questions of each category that is a subject, drawn by lot."""
    subjects = questions[~questions[CATEGORY].isin(NO_SUBJECT)].drop_duplicates(TITLE)
    order = numpy_stream(0, "questions of ELI5").permutation(len(subjects))
    drawn = subjects.iloc[order].groupby(CATEGORY).head(MOST)
    return drawn.sort_index()


@register_dataset(
    "eli5_category",
    label="Questions explained (ELI5)",
    source="arXiv:1907.09190 (ELI5-Category)",
    recipe=answers,
    width=128,
    model="distilgpt2",
    length=128,
    kind="eli5",
    n_train=7015,
    fetch=fetch_eli5_category,
    may_be_shown=False,
)
def load_eli5_category(folder: Path) -> TextDataset:
    """Read the questions with their answers; categories in alphabetical order."""
    return read_parquet_texts(folder, (TITLE, ANSWER), CATEGORY)
