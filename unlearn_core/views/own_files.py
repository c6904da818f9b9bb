"""What a person brought: data, trained weights and methods, in words and as a table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from unlearn_core.config import DataConfig
from unlearn_core.data.uploads import Upload
from unlearn_core.runs.given_weights import GivenWeights
from unlearn_core.runs.own_files import OwnFile
from unlearn_core.views.symbols import as_markdown
from unlearn_core.views.wording import KEY_DIGITS, data_label

LONGEST_NAME = 100  # characters
RUNS_CODE = (
    "A method is a program: from now on it runs on this machine with all that you may do yourself. "
    "Add only a file that you have read and trust. `docs/adding.md` shows what is in one; each "
    "check that fails is named here. The page **Runs** removes it."
)
NOT_HERE = (
    "A method is a program, so it can be added here only where the server is bound to your own "
    "machine (`server.address` 127.0.0.1) and you open it there. Whoever runs this server can put "
    "the file into the folder that `UNLEARN_PLUGINS` names."
)


def kept_text(upload: Upload) -> str:
    """Return what was kept of given data, in one sentence."""
    skipped = f" {upload.n_skipped} other files were left out." if upload.n_skipped else ""
    return (
        f"Kept: {upload.name}, {upload.n_train:,} {upload.noun} for training and "
        f"{upload.n_test:,} for testing, in {len(upload.classes)} classes "
        f"({_few(upload.classes)}).{skipped}"
    )


def _few(names: tuple[str, ...], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def upload_labels(uploads: Mapping[str, DataConfig]) -> dict[str, str]:
    """Return what given data is called in a list of data sets; that of one name shows a key too.

    By the name under which it is offered.
    """
    labels = {choice: data_label(config) for choice, config in uploads.items()}
    taken = Counter(labels.values())
    return {
        choice: f"{label} [{uploads[choice].content[:KEY_DIGITS]}]" if taken[label] > 1 else label
        for choice, label in labels.items()
    }


def weights_name(given: GivenWeights) -> str:
    """Return what a kept file of weights is called in a list."""
    return f"{given.name} [{given.content[:KEY_DIGITS]}]"


def safe_name(name: str) -> str:
    """Return a given file's name with nothing in it that a system takes for a path.

    Examples
    --------
    >>> safe_name("../my model.pt")
    '.._my model.pt'
    """
    return re.sub(r"[^\w. -]", "_", name)[-LONGEST_NAME:]


def files_table(files: Mapping[OwnFile, int]) -> pd.DataFrame:
    """Return one row a file that was brought; `files` tells how many runs were made of each."""
    rows = [
        {
            "Kind": file.kind,
            "Name": file.name,
            "Holds": file.holds,
            "MB": file.n_bytes / 1e6,
            "Runs made of it": n_runs,
            "Added": datetime.fromtimestamp(file.added),
        }
        for file, n_runs in files.items()
    ]
    return pd.DataFrame(rows)


def removal_text(file: OwnFile, n_runs: int) -> str:
    """Return in Markdown what removing a file means for the runs that were made of it."""
    what = f"**{as_markdown(file.name)}** ({file.kind}) will be removed from the disk."
    if not n_runs:
        return f"{what} No run was made of it."
    after = {
        "images": "pages can no longer show pictures of them, until the same images are added "
        "again",
        "texts": "pages can no longer show them, until the same texts are added again",
        "weights": "they keep their weights",
        "method": "their numbers stay, but they cannot be made again",
    }
    stay = "1 run that was made of it stays" if n_runs == 1 else f"{n_runs} runs made of it stay"
    return f"{what} {stay}: {after[file.kind]}."
