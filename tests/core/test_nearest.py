import numpy as np
import pytest
from scipy.spatial.distance import cdist

from unlearn_core.metrics.nearest import class_means, nearest_class_shares


def test_shares_are_those_of_the_class_means_with_the_largest_cosine():
    random = np.random.default_rng(0)
    labels = random.permutation(np.repeat([2, 5, 7], 30))
    classes = random.gamma(1.0, size=(90, 6)) + 3 * np.eye(6)[labels % 4]
    examples = random.gamma(1.0, size=(50, 6))

    names = [2, 5, 7]
    means = [classes[labels == name].mean(axis=0) for name in names]
    nearest = cdist(examples, means, metric="cosine").argmin(axis=1)
    expected = {name: (nearest == place).mean() for place, name in enumerate(names)}

    shares = nearest_class_shares(examples, classes, labels)
    assert shares == pytest.approx({name: share for name, share in expected.items() if share})
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    assert len(shares) > 1


def test_class_means_are_numpys():
    features = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    labels = np.arange(20) % 3 + 5
    names, means = class_means(features, labels)
    assert names.tolist() == [5, 6, 7]
    assert means == pytest.approx(np.stack([features[i::3].mean(axis=0) for i in range(3)]))


def test_only_the_direction_of_a_feature_counts():
    classes = np.array([[1.0, 0.0], [0.0, 9.0]])
    examples = np.array([[100.0, 90.0], [0.01, 0.02], [0.02, 0.03]])
    shares = nearest_class_shares(examples, classes, np.array([4, 1]))
    assert shares == pytest.approx({1: 2 / 3, 4: 1 / 3})


def test_a_feature_of_zeros_goes_to_the_smallest_label():
    classes = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert nearest_class_shares(np.zeros((1, 2)), classes, np.array([8, 3])) == {3: 1.0}


@pytest.mark.parametrize(
    ("features", "classes", "labels", "message"),
    [
        (np.zeros((0, 2)), np.ones((2, 2)), [0, 1], "`features` must have shape"),
        (np.ones((1, 2)), np.full((2, 2), np.nan), [0, 1], "`class_features` has 4 non-finite"),
        (np.ones((1, 3)), np.ones((2, 2)), [0, 1], "same number of features"),
        (np.ones((1, 2)), np.ones((2, 2)), [0], "`class_labels` must have shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(features, classes, labels, message):
    with pytest.raises(ValueError, match=message):
        nearest_class_shares(features, classes, np.array(labels))
