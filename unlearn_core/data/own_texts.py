"""Film reviews, and a person's own texts.

`imdb`: reviews that like a film or not, in the Hugging Face layout with the columns `text` and
`label`, which is also how they are downloaded.  `texts`: parquet files of the same layout,
`train.csv` and `test.csv` with the same columns, or `{train,test}/<class>/*.txt`.
Source of the reviews: A. Maas et al. (2011), "Learning Word Vectors for Sentiment Analysis".
"""

from __future__ import annotations

from pathlib import Path

from unlearn_core.data.base import register_dataset
from unlearn_core.data.fetching import fetched_from_hugging_face
from unlearn_core.data.recipes import reviews, texts
from unlearn_core.data.text_files import read_texts
from unlearn_core.data.texts import TextDataset
from unlearn_core.data.uploaded import ADD_AGAIN

REPOSITORY = "stanfordnlp/imdb"
FILES = tuple(f"plain_text/{part}-00000-of-00001.parquet" for part in ("test", "train"))


def fetch_imdb(folder: Path) -> None:
    """Download the 25,000 reviews to train on and as many to test, 42 MB.

    Raises
    ------
    MissingFileError
        If they could not be downloaded, such as without a network.
    """
    with fetched_from_hugging_face(folder, REPOSITORY, FILES) as files:
        for file in files:
            file.resolve().replace(folder / file.name)  # in the hub's cache it is a link


@register_dataset(
    "imdb",
    label="Film reviews (IMDB)",
    source="Maas et al. 2011",
    fetch=fetch_imdb,
    may_be_shown=False,
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
    return read_texts(folder, hint=ADD_AGAIN)
