"""Teach the models of finished runs a few forgotten examples again, for `measure --relearn`.

So the metrics of relearning reach runs that were made without `--audits`.  A model is compared
with the retrained one of its seed, which is taught too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.engine.pipeline import execute
from unlearn_core.runs.again import NOT_MEASURED
from unlearn_core.runs.artefact import MODEL, CorruptRunError, RunArtefact
from unlearn_core.runs.plan import relearning_configs
from unlearn_core.runs.store import Store

BEFORE = "taught again before"


def teach_all(store: Store, keys: Sequence[str], device: str = "auto") -> Iterator[str]:
    """Teach the models of these runs, or of all that allow it; yield a line for each.

    What was taught before is not taught twice, and costs nothing.
    """
    for key in keys or [key for key in store.list() if can_be_taught(store, key)]:
        try:
            yield f"{key}: {_taught(store, store.load(key), device)}"
        except (InputError, KnownFailureError) as error:
            yield f"{key}: {NOT_MEASURED}: {error}"


def can_be_taught(store: Store, key: str) -> bool:
    """Say whether a run's model can be taught again: it is whole, has weights, and did not ship."""
    try:
        run = store.load(key)
    except CorruptRunError:
        return False
    is_own = not store.is_shipped(key) and run.has(MODEL)
    return is_own and bool(relearning_configs([run.config]))


def _taught(store: Store, run: RunArtefact, device: str) -> str:
    if not run.has(MODEL):
        raise InputError("its weights were left out, so that it cannot be taught")
    wanted = relearning_configs([run.config.retrained(), run.config])
    if len(wanted) < 2:  # the retrained model has a relearning wherever there is a request
        raise InputError("it is a run whose model has no forgotten examples to be taught again")
    missing = [config for config in wanted if not store.is_whole(config.key())]
    for config in missing:
        execute(config, store=store, device=device)
    return BEFORE if not missing else f"taught again, as {wanted[-1].key()}"
