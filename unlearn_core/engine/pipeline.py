"""Make a run and the runs it needs, each once: locks, cancelling, what is made again, faults.

Stages are runs of their own, so nothing is computed twice::

    base         the trained model, shared by every forget request on it; or one that was given
    retrain      the reference of one forget request                    needs base
    original     the base, measured on one forget request               needs base, retrain
    a method     the base, changed                                      needs base, retrain
    incremental  the retrained model, which now learns the forget set   needs base, retrain
    relearning   one of these, taught a few forgotten examples again    needs that one
"""

from __future__ import annotations

from unlearn_core.config import RunConfig
from unlearn_core.engine.environment import LOADED, choose_device
from unlearn_core.engine.making import CancelledError, Making, OnProgress, ShouldStop
from unlearn_core.engine.request import naming, validate
from unlearn_core.engine.threads import threads_of
from unlearn_core.projection import ProjectionConfig
from unlearn_core.runs import faults, provenance
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.plan import parents
from unlearn_core.runs.store import Store


def execute(  # noqa: PLR0913 - each is one wish of the caller
    config: RunConfig,
    *,
    store: Store,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
    device: str = "auto",
    projection: ProjectionConfig | None = None,
    again: bool = False,
    queued: bool = False,
    weights: bool = False,
) -> RunArtefact:
    """Return the finished run of `config`; make it and the runs it needs where they are missing.

    A run that is damaged is made again, and so is one whose method was changed since and is under
    development: its sources differ from their last commit.

    Parameters
    ----------
    config : RunConfig
    store : Store
    on_progress : callable taking a Status, optional
        Called at every step, also for the runs that this one needs.
    should_stop : callable returning bool, optional
        Asked before every step; True ends the run with `CancelledError`.
    device : {"auto", "cpu", "cuda"}
    projection : ProjectionConfig, optional
        How maps are made.
    again : bool
        Whether to make runs again that other code than this one has made.
    queued : bool
        Whether the run waited in a queue, to be made only where it is still asked for.  Otherwise
        this call asks for it, also where it was cancelled before.
    weights : bool
        Whether its weights are needed too: most shipped runs have left them out.  Those that a
        run starts from always have to have them.

    Raises
    ------
    ValueError
        If the config is not possible.
    CancelledError
        If it was stopped on request.
    DivergedError
        If a loss stopped being finite.
    DiskError, NoMemoryError
        If the machine had not enough of it.
    """
    config = validate(config)
    for parent in parents(config):
        execute(
            parent,
            store=store,
            on_progress=on_progress,
            should_stop=should_stop,
            device=device,
            projection=projection,
            again=again,
            queued=queued,
            weights=True,
        )
    key = config.key()
    if not queued and store.state(key) == "cancelled":
        store.withdraw_cancel(key)
    with store.lock(key):
        if store.is_whole(key, weights=weights) and not _is_outdated(store.load(key), again):
            return store.load(key)
        _require_asked_for(config, store, queued=queued)
        making = Making(
            config=config,
            store=store,
            writer=store.begin(config),
            device=choose_device(device),
            projection=projection or ProjectionConfig(),
            on_progress=on_progress or (lambda _status: None),
            should_stop=should_stop or (lambda: False),
        )
        try:
            with threads_of(config):
                facts = making.run()
            making.writer.commit(store.runs, facts)
        except CancelledError:
            making.writer.fail("cancelled", "cancelled on request")
            raise
        except Exception as error:
            known = faults.named(error, store.root, making.writer.status.stage or "start")
            making.writer.fail("failed", faults.message(known), faults.details(known))
            if known is error:
                raise
            raise known from error
    return store.load(key)


def _is_outdated(run: RunArtefact, again: bool) -> bool:
    """Say whether a finished run has to be made again because code or defaults changed since."""
    method = run.config.method
    settings = naming(run.config)["settings"]
    if any(settings.get(name, value) != value for name, value in run.settings.items()):
        return True  # a default has changed since
    if not provenance.made_by_other_code(method, run.made_by, LOADED):
        return False
    return again or provenance.is_under_development(method)


def _require_asked_for(config: RunConfig, store: Store, *, queued: bool) -> None:
    """Raise `CancelledError` where the run was cancelled, or removed, while it waited."""
    key = config.key()
    is_removed = queued and not store.exists(key) and store.state(key) is None
    if is_removed or store.is_cancel_requested(key):
        if store.state(key) == "queued":
            store.mark(key, "cancelled", "cancelled before it began")
        raise CancelledError(f"{config.method} was cancelled before it began.")
