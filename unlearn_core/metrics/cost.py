"""What a method costs next to training again."""

from __future__ import annotations

from unlearn_core.metrics.base import Cost, Evidence, NotApplicableError, register_metric

SOURCE = "methods.md 4.8"


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


@register_metric(
    "unlearn_seconds",
    label="Seconds",
    group="Cost",
    source=SOURCE,
    ideal="lower",
    bounds=(0.0, None),
    unit="seconds",
)
def unlearn_seconds(evidence: Evidence) -> float:
    """Wall-clock seconds of the method's own loop, without probes, metrics and maps."""
    return _costs(evidence)[0].seconds


@register_metric(
    "speedup",
    label="Speed-up",
    group="Cost",
    source=SOURCE,
    ideal="higher",
    bounds=(0.0, None),
    unit="ratio",
)
def _speedup(evidence: Evidence) -> float:
    """Seconds of retraining over seconds of this method, on the same machine."""
    own, retraining = _costs(evidence)
    return speedup(own.seconds, retraining.seconds)


@register_metric(
    "rel_cost",
    label="Relative cost",
    group="Cost",
    source=SOURCE,
    ideal="lower",
    bounds=(0.0, None),
    unit="ratio",
)
def rel_cost(evidence: Evidence) -> float:
    """Seconds of this method over seconds of retraining: the papers' tables of RTE."""
    own, retraining = _costs(evidence)
    return 1 / speedup(own.seconds, retraining.seconds)


def _register_count(name: str, label: str, definition: str, *, of: str) -> None:
    def compute(evidence: Evidence) -> float:
        value = getattr(_costs(evidence)[0], of)
        if value is None:
            raise NotApplicableError("this system does not tell how much memory a process uses")
        return float(value)

    compute.__doc__ = definition
    register_metric(
        name,
        label=label,
        group="Cost",
        source=SOURCE,
        ideal="lower",
        bounds=(0.0, None),
        unit="bytes" if name.endswith("_bytes") else "count",
    )(compute)


_register_count(
    "trainable_parameters",
    "Trained parameters",
    "Number of parameters that the method trained.",
    of="trainable_parameters",
)
_register_count("unlearn_steps", "Steps", "Number of steps of the method's own loop.", of="steps")
_register_count(
    "samples_seen",
    "Samples seen",
    "Number of examples that the steps looked at, counted again in every pass.",
    of="samples_seen",
)
_register_count(
    "peak_memory_bytes",
    "Peak memory",
    "Most memory that the method needed on top of model, data and libraries: on a GPU of tensors, "
    "on a CPU of the process.",
    of="peak_memory_bytes",
)
