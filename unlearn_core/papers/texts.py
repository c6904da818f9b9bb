"""RFA's experiments on texts: what is forgotten, and how networks are cut down at each scale.

Tables of pictures run on digits at the scale `smoke`.  These never run on other data, for neither a
word in film reviews nor a category of questions means anything there: where the data is missing,
that is the reason why nothing is measured.

Stated in the paper: the word, the category, 128 single texts as in its other tables, networks that
go on from published weights.  Ours: a twentieth of the training texts where that is fewer than 128;
the first category where the paper's is not in the files.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from unlearn_core.config import TEXT_NETWORKS, ForgetConfig, RunConfig
from unlearn_core.data import Dataset
from unlearn_core.data.texts import TextDataset
from unlearn_core.runs.plan import comparison_config

KEYWORD, CATEGORY, N_RANDOM = "comedy", "Earth Science", 128
SHARE = 20  # of so many training texts one is forgotten where 128 would be more than that
SLIM: dict[str, dict[str, Any]] = {  # the network, training texts and passes over them
    "smoke": {
        "width": 32,
        "shape": {"layers": 2, "heads": 2, "length": 48, "vocabulary": 1000},
        "train_examples": 400,
        "epochs": 3,
    },
    "small": {
        "width": 128,
        "shape": {"layers": 2, "heads": 4, "length": 128, "vocabulary": 3000},
        "train_examples": 2000,
        "epochs": 8,
    },
}
BATCH = 32  # texts, stated
Notes = tuple[str, ...]


def reads_texts(model: str) -> bool:
    """Say whether a printed network reads texts."""
    return model in TEXT_NETWORKS


def slim_start(
    dataset: str, model: str, kind: str, whole: Dataset, scale: str
) -> tuple[RunConfig, Notes]:
    """Return the original of an experiment on texts at a small scale, and how it differs.

    Parameters
    ----------
    dataset, model : str
        The paper's, by their names here.
    kind : {"class", "random", "keyword"}
        What is forgotten.
    whole : Dataset
        The whole data set.
    scale : {"smoke", "small"}
    """
    slim = dict(SLIM[scale])
    n_train = slim["train_examples"] = min(slim["train_examples"], len(whole.train_ids))
    forget, notes = text_request(kind, whole, n_train)
    start = replace(comparison_config(dataset, forget, model=model, **slim), same_start=True)
    size = ", ".join(f"{name} {value}" for name, value in slim["shape"].items())
    return start, (
        f"{n_train} training texts, {slim['epochs']} epochs from scratch, "
        f"{model} of width {slim['width']} ({size})",
        *notes,
        "retraining starts from the original's initial weights, as the paper's from published ones",
        "presets of this data in place of the paper's settings",
    )


def text_request(kind: str, whole: Dataset, n_train: int) -> tuple[ForgetConfig, Notes]:
    """Return what RFA forgets of texts, and how it differs from the paper where it has to."""
    if kind == "keyword":
        assert isinstance(whole, TextDataset)
        share = whole.containing(KEYWORD)[whole.train_ids].mean()
        told = f"{share:.0%} of all training texts contain {KEYWORD!r}"
        return ForgetConfig(kind="keyword", keyword=KEYWORD), (told,)
    if kind == "random":
        n_texts = max(1, min(N_RANDOM, n_train // SHARE))
        fewer = (f"{n_texts} single texts in place of {N_RANDOM}",) if n_texts < N_RANDOM else ()
        return ForgetConfig(kind="random", values=(n_texts,)), fewer
    names = whole.class_names
    if CATEGORY in names:
        return ForgetConfig(kind="class", values=(names.index(CATEGORY),)), ()
    told = f"the category {names[0]} in place of {CATEGORY}, which is not in these files"
    return ForgetConfig(kind="class", values=(0,)), (told,)


def in_batches_of_texts(settings: dict[str, Any]) -> dict[str, int]:
    """Return the sizes of batches among a method's settings, each as the paper's for texts."""
    names = ("batch_size", "forget_batch_size", "retain_batch_size")
    return {name: BATCH for name in names if name in settings}
