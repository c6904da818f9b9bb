"""Retraining from the initial weights of the original."""

from dataclasses import replace

import pytest

from unlearn_core.cli.main import main
from unlearn_core.engine.pipeline import execute


def test_a_model_retrained_from_the_same_start_begins_with_the_originals_weights(store, tiny):
    still = replace(tiny, training=replace(tiny.training, epochs=1, learning_rate=1e-12))
    same = replace(still, same_start=True)
    assert same.base() == still.base()  # which every request shares
    assert same.retrained().key() != still.retrained().key()
    assert same.comparison_key() != still.comparison_key()
    weights = {
        name: execute(config, store=store, device="cpu").weights()["conv1.weight"]
        for name, config in {
            "original": still.base(),
            "same": same.retrained(),
            "other": still.retrained(),
        }.items()
    }
    assert weights["same"].numpy() == pytest.approx(weights["original"].numpy(), abs=1e-6)
    assert weights["other"].numpy() != pytest.approx(weights["original"].numpy(), abs=1e-2)


def test_the_command_line_asks_for_it(monkeypatch):
    asked = []
    monkeypatch.setattr("unlearn_core.cli.commands._make_and_show", lambda c, _: asked.extend(c))
    main(["compare", "--forget-class", "3", "--methods", "rfa", "--same-start",
          "--reference-seeds", "3"])  # fmt: skip
    assert all(config.same_start for config in asked)
    retrained = [config.seed for config in asked if config.role == "reference"]
    assert sorted(set(retrained)) == [0, 1, 2]
