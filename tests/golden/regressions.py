"""Regressions and attacks written again for the tests, by other solvers than the project's."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.svm import SVC

from unlearn_core.seeding import numpy_stream, stream_seed


def logistic_1d(scores, is_member, weights=1.0):
    """Fit logistic regression on one score by Newton's method, C = 1; return a probability."""
    design = np.stack([scores, np.ones_like(scores)], axis=1)
    w, penalty = np.zeros(2), np.array([1.0, 0.0])
    for _ in range(100):
        p = 1 / (1 + np.exp(-design @ w))
        slope = design.T @ (weights * (p - is_member)) + penalty * w
        curvature = (design * (weights * p * (1 - p))[:, None]).T @ design + np.diag(penalty)
        w -= np.linalg.solve(curvature, slope)
    return lambda others: 1 / (1 + np.exp(-others * w[0] - w[1]))


def called_members(members, others, targets, attack, *, weigh=False, probability=False):
    """Fit the attack on all of both sides; the share of targets that it calls members."""
    scores = np.concatenate([members, others])
    is_member = np.repeat([1.0, 0.0], [len(members), len(others)])
    if attack == "svc":
        rows = (scores.reshape(len(scores), -1), targets.reshape(len(targets), -1))
        model = SVC(C=3, gamma=1.0 / rows[0].shape[1]).fit(rows[0], is_member)
        return model.predict(rows[1]).mean()
    weights = 1.0
    if weigh:
        weights = len(scores) / 2 / np.where(is_member == 1, len(members), len(others))
    p = logistic_1d(scores, is_member, weights)(targets)
    return (p if probability else p > 0.5).mean()


def told_apart(a, b, n_splits, seed=0):
    """Accuracy of own logistic regressions over the splits that the metric draws."""
    n, random = min(len(a), len(b)), numpy_stream(seed, "separability")
    scores = np.concatenate([random.permutation(np.sort(group))[:n] for group in (a, b)])
    groups = np.repeat([1, 0], n)
    splits = StratifiedShuffleSplit(
        n_splits=n_splits,
        test_size=max(2, round(0.2 * n)),
        random_state=stream_seed(seed, "separability splits") % 2**32,
    ).split(scores[:, None], groups)
    return np.mean(
        [
            ((logistic_1d(scores[train], groups[train])(scores[test]) > 0.5) == groups[test]).mean()
            for train, test in splits
        ]
    )


def probe(train_x, train_y, test_x, test_y):
    """Multinomial logistic regression (3 classes or more), C = 1, by BFGS, standardised."""
    scale = train_x.std(axis=0)
    mean, scale = train_x.mean(axis=0), np.where(scale > 0, scale, 1)
    x, classes = (train_x - mean) / scale, np.unique(train_y)
    wanted = (train_y[:, None] == classes).astype(float)

    def objective(flat):
        w = flat.reshape(len(classes), -1)
        logits = x @ w[:, :-1].T + w[:, -1]
        error = softmax(logits, axis=1) - wanted
        slope = np.hstack([error.T @ x + w[:, :-1], error.sum(axis=0)[:, None]])
        value = -(wanted * log_softmax(logits, axis=1)).sum() + (w[:, :-1] ** 2).sum() / 2
        return value, slope.ravel()

    start = np.zeros(len(classes) * (x.shape[1] + 1))
    w = minimize(objective, start, jac=True, method="BFGS").x.reshape(len(classes), -1)
    answers = classes[(((test_x - mean) / scale) @ w[:, :-1].T + w[:, -1]).argmax(axis=1)]
    return (answers == test_y).mean()
