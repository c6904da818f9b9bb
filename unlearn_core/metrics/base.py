"""The table of metrics: what each is computed from, and how it says that it does not apply."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from unlearn_core.records import NotApplicableError, Records, Sets

__all__ = ["NotApplicableError"]  # raised by metrics, and by records of what they do not hold
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class Cost:
    """What making a model cost; only the method's own steps count, not measuring or drawing it.

    `samples_seen` counts an example again in every pass; `peak_memory_bytes` is None where the
    system does not tell.
    """

    seconds: float
    steps: int
    samples_seen: int
    trainable_parameters: int
    peak_memory_bytes: int | None


NO_COST = Cost(seconds=0.0, steps=0, samples_seen=0, trainable_parameters=0, peak_memory_bytes=None)


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """What was recorded of one run and its references: all that its metrics are computed from.

    Attributes
    ----------
    records, original, retrained : Records
        The same examples as seen by the run's model, by the original, and by the model retrained
        without D_f, which is None where there is none.
    sets : Sets
        Which of the recorded examples belong to D_f, D_r, D_ft, D_rt.
    cost, retrained_cost : Cost
        None where it was not measured.
    layer_distances : mapping of str to float
        Feature distances, measured on layer outputs by the probes (metrics.distance).
    answer_distances : mapping of str to float
        Mean distance, "l1" and "l2", of answers on D_f from the retrained model's, where answers
        are too many to be recorded.
    random_probabilities : float64 ndarray of shape (n_forget, n_classes), optional
        Predictions of a randomly initialised model on D_f.
    triggered : Records, optional
        The clean test examples, recorded with the backdoor's trigger on each image.
    target : int, optional
        The backdoor's class.
    confused : (int, int), optional
        The classes whose labels were swapped in D_f.
    subclass_labels : int64 ndarray of shape (n_examples,), optional
        Finer labels of the recorded examples, where a subclass is forgotten.
    seed : int
        For metrics that fit something.
    deviations : dict of str to float
        Standard deviation over draws of metrics that draw; filled as these are computed.
    """

    records: Records
    original: Records
    retrained: Records | None
    sets: Sets
    cost: Cost | None
    retrained_cost: Cost | None
    layer_distances: Mapping[str, float] = field(default_factory=dict)
    answer_distances: Mapping[str, float] = field(default_factory=dict)
    random_probabilities: NDArray[np.float64] | None = None
    triggered: Records | None = None
    target: int | None = None
    confused: tuple[int, int] | None = None
    subclass_labels: NDArray[np.int64] | None = None
    seed: int = 0
    deviations: dict[str, float] = field(default_factory=dict)
    cache: dict[str, Any] = field(default_factory=dict)

    def records_of(self, name: str) -> Records:
        """Return the records of one set, such as ``"forget"``.

        Raises
        ------
        NotApplicableError
            If the set is empty, as D_ft is where single examples are forgotten.
        """
        mask = getattr(self.sets, name)
        if not mask.any():
            raise NotApplicableError(f"the set {name} is empty for this request")
        return self.records.where(mask)

    def reference(self) -> Records:
        """Return the retrained model's records, or say that there are none."""
        if self.retrained is None:
            raise NotApplicableError("there is no retrained model to compare with")
        return self.retrained

    def cached(self, name: str, compute: Callable[[], T]) -> T:
        """Return `compute()`, computed once for all metrics that ask for the same `name`."""
        if name not in self.cache:
            self.cache[name] = compute()
        value: T = self.cache[name]
        return value


def usable_features(records: Records) -> NDArray[np.float32]:
    """Return the features, or say why no metric can be computed from them."""
    if not records.features.shape[1]:
        raise NotApplicableError("no features were recorded")
    if not np.isfinite(records.features).all():
        raise NotApplicableError("the model's features are not finite")
    return records.features


def require_finite_outputs(*recorded: Records) -> None:
    """Raise `NotApplicableError` where a model's outputs are not all finite."""
    if not all(records.is_finite for records in recorded):
        raise NotApplicableError("the model's outputs are not finite")


Compute = Callable[[Any], float]
OF_RUN, OF_SEEDS, OF_RELEARNING = "run", "seeds", "relearning"
ELSEWHERE = {  # why a single run's metrics lack what is computed of several
    OF_SEEDS: "it takes models of several seeds, in the report of a comparison",
    OF_RELEARNING: "nothing was relearned: it takes a run of its own, on request",
}


@dataclass(frozen=True, kw_only=True)
class MetricSpec:
    """One row of `METRICS`.

    Attributes
    ----------
    ideal : {"higher", "lower", "reference"}
        Which way is better; "reference" means: as near to the retrained model as possible.
    bounds : tuple of (float or None)
        Smallest and largest possible value.
    tolerance : float
        How far from the retrained model still counts as matched, where the spread of several
        retrained models is not known.
    unit : {"fraction", "number", "seconds", "ratio", "count", "bytes"}
        How a view formats it; a fraction is shown in percent.
    share_of : str
        Name of the set in the denominator; its size widens the tolerance by sampling noise.
        Empty otherwise.
    scope : {"run", "seeds", "relearning"}
        What `compute` takes: the `Evidence` of a run; or, where a comparison is reported, the
        answers of all its seeds (`over_seeds.Ensemble`) or the curves of runs that were taught
        again (`relearning.Curves`).
    least_seeds : int
        Of how many seeds there must be models.
    is_relative : bool
        Whether `tolerance` is a share of the retrained model's value.
    knows : {"higher", "lower"}
        Which way lies a model that knows more, of what verdicts take for answers.
    """

    name: str
    label: str
    group: str
    ideal: str
    bounds: tuple[float | None, float | None]
    tolerance: float
    unit: str
    share_of: str
    source: str
    compute: Compute
    definition: str
    scope: str = OF_RUN
    least_seeds: int = 1
    is_relative: bool = False
    knows: str = "higher"


METRICS: dict[str, MetricSpec] = {}
OTHER_FORMS = "Other forms"  # the group of what is reported beside a metric, not in its place
BROUGHT_BACK = "Brought back"  # of what a few forgotten examples bring back
WEAKER = "No retrained model needed (weaker evidence)"


def register_metric(  # noqa: PLR0913 - one argument a field of `MetricSpec`
    name: str,
    *,
    label: str,
    group: str,
    source: str,
    ideal: str = "reference",
    bounds: tuple[float | None, float | None] = (0.0, 1.0),
    tolerance: float = 0.05,
    unit: str = "number",
    definition: str = "",
    scope: str = OF_RUN,
    least_seeds: int = 1,
    is_relative: bool = False,
    knows: str = "higher",
) -> Callable[[Compute], Compute]:
    """Add the decorated function to `METRICS`; its docstring is the definition that pages show.

    `definition` replaces the docstring.  A `unit` such as "fraction of forget" also names the set
    in the denominator (`MetricSpec.share_of`).
    """
    kind, _, share_of = unit.partition(" of ")

    def add(compute: Compute) -> Compute:
        if name in METRICS:
            raise ValueError(f"Two metrics are registered as {name!r}.")
        METRICS[name] = MetricSpec(
            name=name,
            label=label,
            group=group,
            ideal=ideal,
            bounds=bounds,
            tolerance=tolerance,
            unit=kind,
            share_of=share_of,
            source=source,
            compute=compute,
            definition=definition or inspect.getdoc(compute) or "",
            scope=scope,
            least_seeds=least_seeds,
            is_relative=is_relative,
            knows=knows,
        )
        return compute

    return add


def evaluate(
    evidence: Evidence, before_each: Callable[[], None] = lambda: None
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Compute every metric; a value is None exactly where `reasons` says why.

    A value that is not finite, as of a model that broke down, is missing too, and so is what takes
    more than one run.  `before_each` is called before each metric, and may raise to end the work.
    """
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    for name, spec in METRICS.items():
        before_each()
        value, reason = value_or_reason(spec, evidence)
        values[name] = value
        if reason:
            reasons[name] = reason
    return values, reasons


def value_or_reason(spec: MetricSpec, evidence: Any) -> tuple[float | None, str]:
    """Return a metric's value; or None, and why it has none from this evidence."""
    try:
        if spec.scope in ELSEWHERE and isinstance(evidence, Evidence):
            raise NotApplicableError(ELSEWHERE[spec.scope])
        value = float(spec.compute(evidence))
        if not math.isfinite(value):
            raise NotApplicableError(f"its value is not finite: {value}")
    except NotApplicableError as reason:
        return None, str(reason)
    return value, ""


def of_scope(scope: str) -> list[MetricSpec]:
    """Return the metrics that are computed from one kind of evidence."""
    return [spec for spec in METRICS.values() if spec.scope == scope]
