"""Which values of a parametrised test stand for all in the fast lane, `make test`."""

import pytest


def fast_lane(values, fast):
    """Mark all values but these as slow."""
    values = list(values)
    assert set(fast) <= set(values), "a value of the fast lane does not exist"
    return [value if value in fast else slow(value) for value in values]


def slow(value):
    arguments = value if isinstance(value, tuple) else (value,)
    return pytest.param(*arguments, marks=pytest.mark.slow)
