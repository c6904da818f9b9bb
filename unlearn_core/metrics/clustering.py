"""Can the forget set be found again by clustering the features?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import flags, matrix, same_shape, whole_numbers
from unlearn_core.metrics.base import OTHER_FORMS, Evidence, register_metric, usable_features
from unlearn_core.metrics.fits import quiet_fit
from unlearn_core.records import Records
from unlearn_core.seeding import stream_seed

SOURCE = "arXiv:2407.17710, section D.1"


@dataclass(frozen=True)
class ClusterScores:
    """How well one cluster singles out the forget set; each in [0, 1], high = identifiable."""

    f1: float
    nmi: float
    nmi_arithmetic: float


def forget_cluster_scores(
    assignments: NDArray[np.integer], is_forget: NDArray[np.bool_]
) -> ClusterScores:
    r"""Compare a clustering with membership in the forget set.

    F1 is the best over clusters, taking a cluster as the prediction of D_f.  NMI is the mutual
    information of cluster and membership over the smaller of the two entropies,

    .. math:: I(K; X) / \min(H(K), H(X)),

    the only normalisation that reaches 1 for a perfect clustering into several classes
    (docs/methods.md); `nmi_arithmetic` is 2 I / (H(K) + H(X)).  Both are 0 if either entropy is 0.

    Parameters
    ----------
    assignments : integer ndarray of shape (n_examples,)
        Cluster of each example.
    is_forget : bool ndarray of shape (n_examples,)

    Returns
    -------
    scores : ClusterScores

    Raises
    ------
    ValueError
        If the shapes differ or there is no example.

    Examples
    --------
    >>> clusters = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    >>> forget = np.array([1, 1, 0, 0, 0, 1, 0, 0], dtype=bool)
    >>> round(forget_cluster_scores(clusters, forget).nmi, 6)
    0.278398
    """
    clusters = whole_numbers("assignments", assignments)
    forget = flags("is_forget", is_forget)
    same_shape(assignments=clusters, is_forget=forget)
    _, cluster = np.unique(clusters, return_inverse=True)
    sizes, hits = np.bincount(cluster), np.bincount(cluster, weights=forget)
    return ClusterScores(
        f1=float((2 * hits / (sizes + forget.sum())).max()),
        nmi=_mutual_information(clusters, forget, "min"),
        nmi_arithmetic=_mutual_information(clusters, forget, "arithmetic"),
    )


def _mutual_information(
    clusters: NDArray[np.int64], forget: NDArray[np.bool_], average_method: str
) -> float:
    """Return scikit-learn's normalised mutual information, but 0 where an entropy is 0."""
    from sklearn.metrics import normalized_mutual_info_score

    if len(np.unique(clusters)) == 1 or len(np.unique(forget)) == 1:
        return 0.0
    score = normalized_mutual_info_score(forget, clusters, average_method=average_method)
    return min(1.0, float(score))


def cluster_features(
    features: NDArray[np.floating], n_clusters: int, *, seed: int = 0
) -> NDArray[np.int64]:
    """Return the k-means cluster of each example (n_examples,), best of 10 starts.

    The starts are drawn from the sorted examples, so that their order does not matter.
    """
    from sklearn.cluster import KMeans

    exact = matrix("features", features)
    order = np.lexsort(exact.T[::-1])
    random_state = stream_seed(seed, "k-means") % 2**32
    kmeans = KMeans(n_clusters=n_clusters, n_init=10, random_state=random_state)
    assignments = np.empty(len(exact), dtype=np.int64)
    with quiet_fit():
        assignments[order] = kmeans.fit_predict(exact[order])
    return assignments


def n_classes_of(records: Records) -> int:
    """Return how many classes the examples have: those that are answered, or that there are."""
    if records.tokens is None:
        return int(records.logits.shape[1])
    return len(np.unique(records.labels))


def _scores(evidence: Evidence) -> ClusterScores:
    """Cluster once for all metrics of a run."""
    return evidence.cached("clusters", lambda: _clustered(evidence))


def _clustered(evidence: Evidence) -> ClusterScores:
    sets = evidence.sets
    train = sets.forget | sets.retain
    records = evidence.records.where(train)
    features = usable_features(records)
    n_classes = n_classes_of(evidence.records)
    # MUDA clusters into as many clusters as there are classes, the forgotten one included
    assignments = cluster_features(features, min(n_classes, len(records)))
    return forget_cluster_scores(assignments, sets.forget[train])


@register_metric(
    "cluster_f1", label="F1", group="Features", source=SOURCE, tolerance=0.05, unit="number"
)
def cluster_f1(evidence: Evidence) -> float:
    """Best F1 of any k-means cluster of the training features as a detector of D_f."""
    return _scores(evidence).f1


@register_metric(
    "cluster_nmi", label="NMI", group="Features", source=SOURCE, tolerance=0.05, unit="number"
)
def cluster_nmi(evidence: Evidence) -> float:
    """Mutual information of k-means cluster and membership in D_f over the smaller entropy."""
    return _scores(evidence).nmi


@register_metric(
    "cluster_nmi_arithmetic",
    label="NMI (arithmetic)",
    group=OTHER_FORMS,
    source="docs/methods.md",
    tolerance=0.05,
    unit="number",
)
def cluster_nmi_arithmetic(evidence: Evidence) -> float:
    """Mutual information of k-means cluster and membership in D_f over the mean of both entropies.

    Most libraries normalise so; a perfect clustering into n_classes equal clusters scores far
    below 1.
    """
    return _scores(evidence).nmi_arithmetic
