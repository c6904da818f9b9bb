"""ELI5-Category: questions that people asked to have explained simply, and the best answers.

A part of the questions of one Internet forum, each of a category.  Unfiltered, as people wrote
them.  An example is the question, a new line, and its answer; its class is the category.  In the
Hugging Face layout with the columns `title`, `text` and `category`.
Source: A. Fan et al., ELI5, arXiv:1907.09190; J. Gao et al., ELI5-Category, 2021.
"""

from __future__ import annotations

from pathlib import Path

from unlearn_core.data.base import register_dataset
from unlearn_core.data.recipes import answers
from unlearn_core.data.text_files import read_parquet_texts
from unlearn_core.data.texts import TextDataset

TITLE, ANSWER, CATEGORY = "title", "text", "category"


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
    may_be_shown=False,
)
def load_eli5_category(folder: Path) -> TextDataset:
    """Read the questions with their answers; categories in alphabetical order."""
    return read_parquet_texts(folder, (TITLE, ANSWER), CATEGORY)
