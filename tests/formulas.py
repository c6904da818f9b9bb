"""Textbook formulas written out, apart from the libraries that the project calls for them."""

import numpy as np


def softmax(logits):
    """Probabilities of logits (..., n)."""
    powers = np.exp(shifted(logits))
    return powers / powers.sum(axis=-1, keepdims=True)


def shifted(logits):
    """Logits of the same probabilities that are at most 0, so that no power overflows."""
    exact = np.asarray(logits, dtype=np.float64)
    return exact - exact.max(axis=-1, keepdims=True)


def cross_entropies(logits, labels):
    """Nats by which the label's probability falls short of certainty, one an example."""
    exact = shifted(logits)
    return np.log(np.exp(exact).sum(axis=-1)) - exact[np.arange(len(exact)), labels]


def entropy(p):
    """Minus the sum of p ln p over the last axis; a probability of 0 adds nothing."""
    return -np.sum(p * np.log(p, where=p > 0, out=np.zeros_like(p)), axis=-1)


def jensen_shannon(p, q):
    """Entropy of the mean less the mean entropy."""
    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2


def mutual_information(a, b):
    """Sum over pairs of values of p(x, y) ln(p(x, y) / p(x) p(y))."""
    total = 0.0
    for x in np.unique(a):
        for y in np.unique(b):
            joint = np.mean((a == x) & (b == y))
            if joint:
                total += joint * np.log(joint / (np.mean(a == x) * np.mean(b == y)))
    return total


def normalised_mutual_information(a, b, average):
    """Mutual information over the `average` of both entropies, such as `min`."""
    entropies = [entropy(np.unique(v, return_counts=True)[1] / len(v)) for v in (a, b)]
    return mutual_information(a, b) / average(entropies)
