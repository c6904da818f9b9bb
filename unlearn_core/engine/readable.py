"""A data set in the form that a network reads: texts become tokens, pictures stay as they are.

The tokenizer is trained on the training texts once, for the base of a comparison, and kept in its
folder; every other run on that base reads it there.
"""

from __future__ import annotations

from functools import lru_cache

from unlearn_core.checks import InputError
from unlearn_core.config import ModelConfig, RunConfig
from unlearn_core.data import Dataset
from unlearn_core.data.texts import TextDataset
from unlearn_core.data.tokens import TRAINERS
from unlearn_core.models import MODELS
from unlearn_core.models.pretrained import published_tokenizer
from unlearn_core.runs.artefact import TOKENIZER
from unlearn_core.runs.store import Store


def require_readable(dataset: Dataset, config: RunConfig) -> None:
    """Raise `InputError` unless the network reads what the data set's examples are."""
    reads_texts = bool(MODELS[config.model.name].tokenizer)
    if reads_texts == isinstance(dataset, TextDataset):
        return
    wanted, are = ("texts", "pictures") if reads_texts else ("pictures", "texts")
    suited = [name for name, spec in MODELS.items() if bool(spec.tokenizer) != reads_texts]
    raise InputError(
        f"The model {config.model.name} reads {wanted}, and {config.data.name} has {are}: "
        f"choose one of {', '.join(suited)}."
    )


def readable(dataset: Dataset, config: RunConfig, store: Store) -> tuple[Dataset, str]:
    """Return the data set as the config's network reads it, and the tokenizer as JSON.

    The tokenizer is "" for pictures.
    """
    if not isinstance(dataset, TextDataset):
        return dataset, ""
    base = config.base().key()
    kept = store.load(base) if store.is_whole(base) else None
    tokenizer = trained(dataset, config.model) if kept is None else kept.read(TOKENIZER).decode()
    return _read_by(dataset, tokenizer, config.model.length), tokenizer


@lru_cache(maxsize=2)
def trained(dataset: TextDataset, model: ModelConfig) -> str:
    """Return the tokenizer that this network's texts are cut by.

    It is the published one of published weights; else it is trained on the training texts.
    """
    if model.pretrained:
        return published_tokenizer(model.name)
    return TRAINERS[MODELS[model.name].tokenizer](dataset.train_texts, model.vocabulary)


@lru_cache(maxsize=2)  # as many data sets as stay in memory
def _read_by(dataset: TextDataset, tokenizer: str, length: int) -> TextDataset:
    return dataset.read_by(tokenizer, length)
