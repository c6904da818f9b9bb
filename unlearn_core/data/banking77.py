"""Banking77: 10,003 + 3,080 short questions of a bank's customers, shipped with the project.

Each is of one of 77 intents, such as a lost card.  As published, in its order.  CC BY 4.0,
`shipped/LICENSE.banking77`.
Source: I. Casanueva et al., arXiv:2003.04807.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from unlearn_core.data.base import register_dataset
from unlearn_core.data.recipes import texts as short_texts
from unlearn_core.data.texts import TextDataset, text_dataset


def banking77_file() -> Path:
    """Return the file with the questions and their intents."""
    return Path(__file__).parent / "shipped" / "banking77.parquet"


@cache
def intents() -> tuple[str, ...]:
    """Return the names of the classes: each is an intent in words."""
    import pyarrow.parquet as pq

    return tuple(json.loads(pq.read_schema(banking77_file()).metadata[b"class_names"]))


@register_dataset(
    "banking77",
    label="Bank questions",
    source="arXiv:2003.04807 (BANKING77, ships with the project)",
    recipe=short_texts,
    width=128,
    model="distilbert",
    kind="texts",
    n_train=10_003,
    embedded=banking77_file,
    class_names=intents,
)
def load_banking77(folder: Path) -> TextDataset:  # noqa: ARG001 - embedded, needs no folder
    """Read the questions."""
    import pyarrow.parquet as pq

    table = pq.read_table(banking77_file())
    texts, is_train = table["text"].to_pylist(), table["is_train"].to_numpy()
    labels = table["label"].to_numpy().astype(np.int64)
    n_train = int(is_train.sum())
    return text_dataset(texts[:n_train], texts[n_train:], labels, intents(), "banking77")
