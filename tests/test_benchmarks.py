"""What the benchmarks compare is the same thing on both sides."""

import sys

import pytest

from tests.test_readme import ROOT


@pytest.fixture
def suite(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import metric_suite

    yield metric_suite
    for name in ("metric_suite", "timing"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("part", "within"),
    [("rank and alignment", 1e-9), ("clusters", 0.02), ("probes", 1e-3), ("attack", 0.1)],
)
def test_the_plain_side_computes_the_same_metrics(suite, part, within):
    evidence = suite.measured(600, 12)
    expected = suite.PLAIN[part](evidence)
    assert suite.ours(evidence, suite.PARTS[part]) == pytest.approx(expected, abs=within)
