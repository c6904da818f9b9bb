"""What a person brought into the store: data, trained weights and methods, and removing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from unlearn_core.checks import InputError
from unlearn_core.config import RunConfig
from unlearn_core.data import uploads
from unlearn_core.runs import given_weights, own_methods
from unlearn_core.runs.status import ACTIVE
from unlearn_core.runs.store import Store


@dataclass(frozen=True, kw_only=True)
class OwnFile:
    """One thing that was brought: what it is, how it is called, and which runs are made of it.

    `key` tells it from others of its kind; `added` is in seconds since 1970.
    """

    kind: str
    key: str
    name: str
    holds: str
    n_bytes: int
    added: float
    uses: Callable[[RunConfig], bool]


def own_files(store: Store) -> list[OwnFile]:
    """Return all that was brought, the latest first."""
    found = [
        *map(_data, uploads.kept()),
        *map(_weights, given_weights.all_kept(store.root)),
        *map(_method, own_methods.all_kept()),
    ]
    return sorted(found, key=lambda each: each.added, reverse=True)


def remove(store: Store, file: OwnFile) -> None:
    """Remove it; finished runs that were made of it stay.

    Raises
    ------
    InputError
        If a queued or running job needs it, or it was removed already.
    """
    active = [status.key for status in store.statuses() if status.state in ACTIVE]
    needing = [key for key in active if file.uses(store.requested(key))]
    if needing:
        raise InputError(
            f"{len(needing)} queued or running job(s) need {file.name}, such as {needing[0]}. "
            "Stop them first."
        )
    if file.kind == "weights":
        given_weights.remove(store.root, file.key)
    elif file.kind == "method":
        own_methods.remove(file.key)
    else:
        uploads.remove(file.key)


def _data(upload: uploads.Upload) -> OwnFile:
    n, classes = upload.n_train + upload.n_test, ", ".join(upload.classes)
    return OwnFile(
        kind=upload.noun,
        key=upload.content,
        name=upload.name,
        holds=f"{n:,} {upload.noun} of {classes}",
        n_bytes=upload.n_bytes,
        added=upload.added,
        uses=lambda config: config.data.content == upload.content,
    )


def _weights(given: given_weights.GivenWeights) -> OwnFile:
    return OwnFile(
        kind="weights",
        key=given.content,
        name=given.name,
        holds="a network's trained weights",
        n_bytes=given.n_bytes,
        added=given.added,
        uses=lambda config: config.model.weights == given.content,
    )


def _method(own: own_methods.OwnMethod) -> OwnFile:
    return OwnFile(
        kind="method",
        key=own.name,
        name=own.name,
        holds=", ".join(own.methods),
        n_bytes=own.n_bytes,
        added=own.added,
        uses=lambda config: config.method in own.methods,
    )
