"""What unlearning costs next to retraining without the forget set."""

from __future__ import annotations

from functools import partial

from unlearn_core.metrics.base import Cost, Evidence, NotApplicableError, register_metric

register_cost = partial(
    register_metric, group="Cost", source="docs/methods.md", ideal="lower", bounds=(0.0, None)
)


def speedup(seconds: float, retrain_seconds: float) -> float:
    """Return how many times faster than retraining it was; above 1 is faster.

    Examples
    --------
    >>> round(speedup(1.7, 100.0), 6)
    58.823529
    """
    if seconds <= 0 or retrain_seconds <= 0:
        raise ValueError(f"Durations must be above 0, got {seconds} and {retrain_seconds}.")
    return retrain_seconds / seconds


def _costs(evidence: Evidence) -> tuple[Cost, Cost]:
    """Return what the run and what retraining cost."""
    if evidence.retrained is None:
        raise NotApplicableError("there is no retrained model to compare with")
    if evidence.cost is None or evidence.retrained_cost is None:
        raise NotApplicableError("what making the models cost was not measured")
    if evidence.cost.steps == 0:
        raise NotApplicableError("the original took no unlearning steps")
    return evidence.cost, evidence.retrained_cost


@register_cost("unlearn_seconds", label="Seconds", unit="seconds")
def unlearn_seconds(evidence: Evidence) -> float:
    """Wall-clock seconds of the method's own loop, without probes, metrics and maps."""
    return _costs(evidence)[0].seconds


@register_cost("speedup", label="Speed-up", unit="ratio", ideal="higher")
def _speedup(evidence: Evidence) -> float:
    """Seconds of retraining over seconds of this method, on the same machine."""
    own, retraining = _costs(evidence)
    return speedup(own.seconds, retraining.seconds)


@register_cost("rel_cost", label="Relative cost", unit="ratio")
def rel_cost(evidence: Evidence) -> float:
    """Seconds of this method over seconds of retraining: the papers' tables of RTE."""
    own, retraining = _costs(evidence)
    return 1 / speedup(own.seconds, retraining.seconds)


@register_cost("trainable_parameters", label="Trained parameters", unit="count")
def trainable_parameters(evidence: Evidence) -> float:
    """Number of parameters that the method trained."""
    return float(_costs(evidence)[0].trainable_parameters)


@register_cost("unlearn_steps", label="Steps", unit="count")
def unlearn_steps(evidence: Evidence) -> float:
    """Number of steps of the method's own loop."""
    return float(_costs(evidence)[0].steps)


@register_cost("samples_seen", label="Samples seen", unit="count")
def samples_seen(evidence: Evidence) -> float:
    """Number of examples that the steps looked at, counted again in every pass."""
    return float(_costs(evidence)[0].samples_seen)


@register_cost("peak_memory_bytes", label="Peak memory", unit="bytes")
def peak_memory_bytes(evidence: Evidence) -> float:
    """Most memory that the method needed on top of model, data and libraries.

    On a GPU of tensors, on a CPU of the process.
    """
    peak = _costs(evidence)[0].peak_memory_bytes
    if peak is None:
        raise NotApplicableError("this system does not tell how much memory a process uses")
    return float(peak)
