import pytest

from tests.pages.reading import opened, texts

pytestmark = pytest.mark.page
METHODS = ("Retrained", "Finetune", "NegGrad", "RFA (LoRA)", "MUDA", "Head-only finetune (trick)")


def test_every_method_has_a_card_with_objective_and_source(shipped_store):
    text = texts(opened("methods"))
    for name in METHODS:
        assert f"</span>{name}</div>" in text
    assert "Objective: maximise cross-entropy on $D_{f}$" in text
    assert "[arXiv:2411.08443](https://arxiv.org/abs/2411.08443)" in text
    assert "methods.md" not in text


def test_measured_cost_comes_from_the_chosen_comparison(shipped_store):
    assert "the speed of retraining" in texts(opened("methods"))


def test_settings_show_defaults_and_presets(shipped_store):
    frames = [frame.value for frame in opened("methods").dataframe]
    rfa = next(f for f in frames if "gamma" in set(f.get("Setting", [])))
    assert "Preset digits" in rfa
    assert rfa["What it does"].str.len().gt(0).all()


def test_filter_leaves_the_tricks(shipped_store):
    app = opened("methods")
    app.pills(key="method_filter").set_value(["tricks"]).run()
    assert "Head-only finetune (trick)</div>" in texts(app)
    assert "MUDA</div>" not in texts(app)


def test_filters_that_exclude_each_other_say_so(shipped_store):
    app = opened("methods")
    app.pills(key="method_filter").set_value(["tricks", "unlearning"]).run()
    assert "No method passes" in app.info[0].value


def test_without_runs_the_cards_are_there_and_the_cost_is_not_invented(empty_store):
    app = opened("methods")
    assert "no run in the chosen comparison" in texts(app)
    assert "MUDA</div>" in texts(app)


def test_metrics_are_defined_group_by_group(shipped_store):
    app = opened("methods")
    assert "Best F1 of any k-means cluster" in texts(app)
    assert {"Accuracy", "Features", "Membership"} <= {e.label for e in app.expander}
