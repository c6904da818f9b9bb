"""Film reviews, and a person's own texts.

`imdb`: reviews that like a film or not, in the Hugging Face layout with the columns `text` and
`label`.  `texts`: parquet files of the same layout, `train.csv` and `test.csv` with the same
columns, or `{train,test}/<class>/*.txt`.
Source of the reviews: A. Maas et al. (2011), "Learning Word Vectors for Sentiment Analysis".
"""

from __future__ import annotations

from pathlib import Path

from unlearn_core.data.base import register_dataset
from unlearn_core.data.recipes import reviews, texts
from unlearn_core.data.text_files import read_texts
from unlearn_core.data.texts import TextDataset


@register_dataset(
    "imdb",
    label="Film reviews (IMDB)",
    source="Maas et al. 2011",
    recipe=reviews,
    width=128,
    model="distilbert",
    length=256,
    kind="texts",
)
def load_imdb(folder: Path) -> TextDataset:
    """Read the reviews; class 1 likes the film."""
    return read_texts(folder, ("negative", "positive"))


@register_dataset(
    "texts",
    label="Your own texts",
    source="a folder of texts, one folder per class, or CSV files",
    recipe=texts,
    width=128,
    model="distilbert",
    length=128,
    kind="texts",
)
def load_own_texts(folder: Path) -> TextDataset:
    """Read the texts; classes in alphabetical order."""
    return read_texts(folder)
