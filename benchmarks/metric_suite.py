"""The metrics of a run on 50,000 examples of 512 features, over plain NumPy and scikit-learn.

    PYTHONPATH=. .venv/bin/python benchmarks/metric_suite.py --examples 50000 --features 512

Ten classes of 50,000 training and 10,000 test examples, one class forgotten.  The plain side is
what one would write in a notebook: singular values for effective rank and alignment, k-means from
ten starts, two logistic regressions for the probes, one SVC on as many members as there are
non-members.  Each part says both values.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import normalized_mutual_info_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from timing import hardware, ratio, take_turns

from unlearn_core.metrics import Evidence, evaluate
from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.membership import entropy
from unlearn_core.records import Records, Sets
from unlearn_core.seeding import numpy_stream

N_CLASSES, FORGOTTEN = 10, 1
PARTS = {  # the metrics that a plain part computes
    "rank and alignment": ("effective_rank", "dimensional_alignment"),
    "clusters": ("cluster_nmi",),
    "probes": ("linear_probe_forget", "linear_probe_retain"),
    "attack": ("mia_rfa",),
}
Values = dict[str, float]


def main() -> None:
    """Print the ratios, and both sides' values."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--examples", type=int, default=50_000)
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    evidence = measured(args.examples, args.features)
    found: dict[str, Values] = {}

    def keep(name: str, compute: Callable[[], Values]) -> Callable[[], None]:
        return lambda: found.update({name: compute()})

    runs: dict[str, Callable[[], object]] = {
        f"all {len(METRICS)} metrics": lambda: evaluate(fresh(evidence)),
        "plain": lambda: [plain(evidence) for plain in PLAIN.values()],
    }
    for part, names in PARTS.items():
        runs[part] = keep(part, lambda names=names: ours(evidence, names))  # type: ignore[misc]
        plain = PLAIN[part]
        runs[f"plain {part}"] = keep(f"plain {part}", lambda plain=plain: plain(evidence))  # type: ignore[misc]
    times = take_turns(runs, args.rounds)
    print(f"{args.examples:,} x {args.features} features, {N_CLASSES} classes")
    print("  " + ratio(times, f"all {len(METRICS)} metrics", "plain"))
    for part in PARTS:
        print("  " + ratio(times, part, f"plain {part}"))
        both = zip(found[part].values(), found[f"plain {part}"].values(), strict=True)
        print("    values: " + "; ".join(f"{a:.4f} and {b:.4f}" for a, b in both))
    print(hardware())


def measured(n_train: int, n_features: int, n_classes: int = N_CLASSES) -> Evidence:
    """Return synthetic records of a model that knows its training examples a little better."""
    random = numpy_stream(0, "benchmark")
    n = n_train + n_train // 5
    labels, is_train = random.integers(0, n_classes, n), np.arange(n) < n_train
    centres = random.normal(size=(n_classes, n_features))
    features = np.maximum(centres[labels] + random.normal(size=(n, n_features)), 0)
    head = random.normal(size=(n_features, n_classes)) / n_features**0.5
    logits = features @ head + np.eye(n_classes)[labels] * (2 + is_train[:, None])
    records = Records(
        example_ids=np.arange(n),
        labels=labels,
        is_train=is_train,
        logits=logits.astype(np.float32),
        features=features.astype(np.float32),
    )
    known = labels == FORGOTTEN
    sets = Sets(
        forget=known & is_train,
        retain=~known & is_train,
        forget_test=known & ~is_train,
        retain_test=~known & ~is_train,
    )
    return Evidence(
        records=records,
        original=records,
        retrained=records,
        sets=sets,
        cost=None,
        retrained_cost=None,
    )


def fresh(evidence: Evidence) -> Evidence:
    """Return the evidence without what was computed from it before."""
    evidence.cache.clear()
    return evidence


def ours(evidence: Evidence, names: tuple[str, ...]) -> Values:
    """Return these metrics as the program computes them."""
    start = fresh(evidence)
    return {name: float(METRICS[name].compute(start)) for name in names}


def plain_spectra(evidence: Evidence) -> Values:
    """Effective rank and alignment by singular values, in float64."""
    retain = _features(evidence, "retain")
    _, singular, directions = np.linalg.svd(retain, full_matrices=False)
    shares = singular**2 / (singular**2).sum()
    rank = float(np.exp(-(shares * np.log(shares)).sum()))
    forget = _features(evidence, "forget")
    covariance = forget.T @ forget
    basis = directions[: round(rank)].T
    aligned = np.linalg.norm(covariance @ basis @ basis.T) / np.linalg.norm(covariance)
    return {"effective_rank": rank, "dimensional_alignment": float(aligned)}


def plain_clusters(evidence: Evidence) -> Values:
    """K-means from ten starts, and its mutual information with D_f."""
    train = evidence.sets.forget | evidence.sets.retain
    features = evidence.records.features[train].astype(np.float64)
    found = KMeans(n_clusters=N_CLASSES, n_init=10, random_state=0).fit_predict(features)
    forget = evidence.sets.forget[train]
    score = normalized_mutual_info_score(forget, found, average_method="min")
    return {"cluster_nmi": float(score)}


def plain_probes(evidence: Evidence) -> Values:
    """Two logistic regressions on standardised features."""
    found = {}
    sets, records = evidence.sets, evidence.records
    for name, train, test in (
        ("linear_probe_forget", sets.forget | sets.retain, sets.forget_test),
        ("linear_probe_retain", sets.retain, sets.retain_test),
    ):
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        probe.fit(records.features[train].astype(np.float64), records.labels[train])
        right = probe.predict(records.features[test].astype(np.float64)) == records.labels[test]
        found[name] = float(right.mean())
    return found


def plain_attack(evidence: Evidence) -> Values:
    """One SVC on entropies, on as many members as there are non-members."""
    random = numpy_stream(0, "plain attack")
    scores = {
        name: entropy(evidence.records_of(name).probabilities)[:, None]
        for name in ("retain", "retain_test", "forget")
    }
    others = scores["retain_test"]
    members = random.permutation(scores["retain"])[: len(others)]
    attack = SVC(C=3, gamma="auto")
    attack.fit(np.concatenate([members, others]), np.repeat([1, 0], len(others)))
    return {"mia_rfa": float(attack.predict(scores["forget"]).mean())}


def _features(evidence: Evidence, name: str) -> NDArray[np.float64]:
    return evidence.records_of(name).features.astype(np.float64)


PLAIN: dict[str, Callable[[Evidence], Values]] = {
    "rank and alignment": plain_spectra,
    "clusters": plain_clusters,
    "probes": plain_probes,
    "attack": plain_attack,
}

if __name__ == "__main__":
    main()
