import pytest

from unlearn_core.metrics.spread import interval
from unlearn_core.runs.report import Report
from unlearn_core.views import method_cards

ENTRY = {
    "name": "m",
    "label": "M",
    "source": "arXiv:1234.56789",
    "uses_retain": False,
    "is_trick": True,
    "description": "M: do it well.\n\nObjective: climb (docs/methods.md).\nIt costs `steps`.\n"
    "Source: a paper.\nDeparts in much.",
    "presets": {"digits": {"rate": 0.5}, "digits sample": {"rate": 0.2, "fast": False}},
    "settings": [
        {"name": "rate", "default": 0.1, "help": "Step size."},
        {"name": "layers", "default": [], "help": "Which."},
        {"name": "fast", "default": True, "help": "Whether."},
    ],
}


def test_card_takes_idea_details_and_origin_from_the_docstring():
    card = method_cards.method_card(ENTRY)
    assert card.idea == "Do it well."
    assert card.details == ("Objective: climb. It costs `steps`.",)
    assert card.origin == "A paper. Departs in much."
    assert card.needs == "D_f only: no retained data"


@pytest.mark.parametrize(
    ("wanted", "expected"), [([], 1), (["tricks"], 1), (["unlearning"], 0), (["no_retain"], 1)]
)
def test_filters_keep_the_cards_that_pass_all_of_them(wanted, expected):
    assert len(method_cards.chosen_cards([ENTRY], wanted)) == expected


def test_settings_show_default_and_preset():
    table = method_cards.settings_table(ENTRY).set_index("Setting")
    assert table.loc["rate", "Default"] == "0.1"
    assert table.loc["rate", "Preset digits"] == "0.5"
    assert table.loc["layers", "Default"] == "all"
    assert table.loc["fast", "Default"] == "yes"


def test_measured_cost_names_seconds_and_speed(report):
    costs = method_cards.measured_costs(Report(**report))
    assert costs["muda"] == "1.00s"
    assert "unknown" not in costs


def test_the_numbers_over_seeds_are_computed_once_for_all_cards(report, monkeypatch):
    counted = []
    monkeypatch.setattr(
        "unlearn_core.runs.report.interval",
        lambda name, values: counted.append(name) or interval(name, values),
    )
    shared = Report(**report)
    assert {"muda", "finetune", "retrain"} <= set(method_cards.measured_costs(shared))
    assert len(counted) == len(shared.summary)
