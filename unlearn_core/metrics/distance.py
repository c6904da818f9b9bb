"""Distances between two models: of their predictions, and of their layers' outputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import finite, probability_matrix, same_shape
from unlearn_core.metrics.base import (
    Evidence,
    NotApplicableError,
    register_metric,
    usable_features,
)
from unlearn_core.metrics.similarity import linear_cka
from unlearn_core.seeding import numpy_stream

TINY = 1e-8
FEWEST, MOST_COMPARED = 2, 2000  # examples, of CKA
SOURCE = "arXiv:2411.08443, section V"


def activation_distance(
    probabilities_a: NDArray[np.floating],
    probabilities_b: NDArray[np.floating],
    *,
    norm: str = "l2",
) -> float:
    """Return the mean distance between two models' class probabilities.

    Parameters
    ----------
    probabilities_a, probabilities_b : ndarray of shape (n_examples, n_classes)
    norm : {"l2", "l1"}
        "l2" is the text of RFA (at most sqrt 2), "l1" what its Table V shows (at most 2).

    Returns
    -------
    distance : float
        0 if both models agree.

    Raises
    ------
    ValueError
        If the shapes differ, there is no example, a number is not in [0, 1], or `norm` is unknown.

    Examples
    --------
    >>> a, b = np.array([[0.7, 0.2, 0.1]]), np.array([[0.1, 0.3, 0.6]])
    >>> round(activation_distance(a, b), 6), round(activation_distance(a, b, norm="l1"), 6)
    (0.787401, 1.2)
    """
    a = probability_matrix("probabilities_a", probabilities_a)
    b = probability_matrix("probabilities_b", probabilities_b)
    same_shape(probabilities_a=a, probabilities_b=b)
    if norm not in ("l2", "l1"):
        raise ValueError(f'`norm` must be "l2" or "l1", got {norm!r}.')
    order = 2 if norm == "l2" else 1
    return float(np.linalg.norm(a - b, ord=order, axis=1).mean())


def layer_distances(
    layers_a: Sequence[NDArray[np.floating]],
    layers_b: Sequence[NDArray[np.floating]],
    *,
    relative: bool = False,
) -> NDArray[np.float64]:
    """Return the mean absolute difference of each layer's outputs, shape (n_layers,).

    `relative` divides by that layer's mean absolute output in model b.
    """
    if len(layers_a) != len(layers_b) or not len(layers_a):
        raise ValueError(
            "`layers_a` and `layers_b` must list the same layers, at least one, got "
            f"{len(layers_a)} and {len(layers_b)}."
        )
    distances = []
    for k, pair in enumerate(zip(layers_a, layers_b, strict=True)):
        a, b = (
            finite(f"layers_{side}[{k}]", layer) for side, layer in zip("ab", pair, strict=True)
        )
        same_shape(**{f"layers_a[{k}]": a, f"layers_b[{k}]": b})
        if not a.size:
            raise ValueError(f"`layers_a[{k}]` must not be empty, got shape {a.shape}.")
        distance = float(np.abs(a - b).mean())
        distances.append(relative_to(b, distance) if relative else distance)
    return np.asarray(distances)


def relative_to(layer: NDArray[np.float64], distance: float) -> float:
    """Return a distance in units of the layer's mean absolute output."""
    return distance / float(np.abs(layer).mean() + TINY)


def feature_distance(
    layers_a: Sequence[NDArray[np.floating]],
    layers_b: Sequence[NDArray[np.floating]],
    *,
    relative: bool = False,
) -> float:
    r"""Return the feature distance of RFA: the layers' mean absolute differences, added up.

    .. math:: \frac1N \sum_x \sum_k \mathrm{mean} |x_k^a - x_k^b|

    Definition 1 takes the original as b (compare with the retrained model's value),
    definition 2 the retrained model (smaller is better).

    Parameters
    ----------
    layers_a, layers_b : sequence of ndarray of shape (n_examples, ...)
        Outputs of the same layers in both models, one array a layer.
    relative : bool
        Divide each layer by its mean absolute output in model b.

    Raises
    ------
    ValueError
        If the layers or their shapes differ, or a layer is empty or not finite.

    Examples
    --------
    >>> feature_distance([np.zeros((2, 3)), np.zeros((2, 4))], [np.ones((2, 3)), np.ones((2, 4))])
    2.0
    """
    return float(layer_distances(layers_a, layers_b, relative=relative).sum())


def _activation(evidence: Evidence, norm: str) -> float:
    reference = evidence.reference()
    if evidence.answer_distances:
        return evidence.answer_distances[norm]
    a = evidence.records_of("forget").probabilities
    b = reference.where(evidence.sets.forget).probabilities
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise NotApplicableError("the model's outputs are not finite")
    return activation_distance(a, b, norm=norm)


@register_metric(
    "activation_distance_l2",
    label="AD (L2)",
    group="Distance to retrained",
    source=SOURCE,
    ideal="lower",
    bounds=(0.0, float(np.sqrt(2))),
)
def activation_distance_l2(evidence: Evidence) -> float:
    """Mean L2 distance between this and the retrained model's probabilities on D_f.

    Of a language model over the tokens of some texts of D_f.
    """
    return _activation(evidence, "l2")


@register_metric(
    "activation_distance_l1",
    label="AD (L1)",
    group="Distance to retrained",
    source=SOURCE,
    ideal="lower",
    bounds=(0.0, 2.0),
)
def activation_distance_l1(evidence: Evidence) -> float:
    """Mean L1 distance between this and the retrained model's probabilities on D_f.

    Of a language model over the tokens of some texts of D_f.
    """
    return _activation(evidence, "l1")


@register_metric(
    "feature_distance_original",
    label="FD to original",
    group="Distance to retrained",
    source=SOURCE,
    bounds=(0.0, None),
    tolerance=0.1,
)
def feature_distance_original(evidence: Evidence) -> float:
    """Definition 1: mean absolute difference from the original's layer outputs, summed over layers.

    On examples of D_f.  The target is the retrained model's distance from the original.
    """
    return _layers(evidence, "original/forget")


@register_metric(
    "feature_distance_retrained",
    label="FD to retrained",
    group="Distance to retrained",
    source=SOURCE,
    ideal="lower",
    bounds=(0.0, None),
)
def feature_distance_retrained(evidence: Evidence) -> float:
    """Definition 2: mean absolute difference from the retrained model's layer outputs, on D_f.

    It depends on initial weights and on the order of channels: a model retrained from other initial
    weights is as far from any model as from itself with its channels shuffled, so the smallest is
    not the best.  It compares models only with retraining from the same start (`--same-start`, as
    in RFA); CKA to retrained does not depend on either.
    """
    return _layers(evidence, "retrained/forget")


@register_metric(
    "cka_retrained",
    label="CKA to retrained",
    group="Distance to retrained",
    source="arXiv:1905.00414",
    ideal="higher",
)
def cka_retrained(evidence: Evidence) -> float:
    """Similarity (linear CKA) of this and the retrained model's features on D_f.

    1 for features that are equal but for rotation and scale, so that it depends neither on the
    order of channels nor on the size of weights, as feature distance does.  Two models retrained
    from different initial weights do not reach 1 either.  Of more than 2,000 examples a seeded
    sample.
    """
    reference = evidence.reference().where(evidence.sets.forget)
    own = evidence.records_of("forget")
    if len(own) < FEWEST:
        raise NotApplicableError("there are fewer than 2 examples to forget")
    rows = numpy_stream(evidence.seed, "compared features").permutation(len(own))[:MOST_COMPARED]
    features = (usable_features(records)[rows] for records in (own, reference))
    return linear_cka(*features)


def _layers(evidence: Evidence, name: str) -> float:
    if name not in evidence.layer_distances:
        raise NotApplicableError("no layers of two models were compared")
    if not np.isfinite(evidence.layer_distances[name]):
        raise NotApplicableError("the model's layer outputs are not finite")
    return evidence.layer_distances[name]
