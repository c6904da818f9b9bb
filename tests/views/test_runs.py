"""The table of runs is searched by words, and runs are told apart by what differs."""

import pandas as pd
import pytest

from unlearn_core.views import runs as views


@pytest.fixture
def table(comparison):
    runs = [comparison.runs[name] for name in ("base", "retrain", "neggrad")]
    return views.runs_table(runs, {runs[0].key}, {"neggrad": "NegGrad", "retrain": "Retrained"})


def test_each_run_has_a_row_with_name_origin_and_size(table):
    assert table["Run"].tolist() == ["Original (trained)", "Retrained", "NegGrad"]
    assert table["Origin"].tolist() == [views.SHIPPED, views.OWN, views.OWN]
    assert pd.api.types.is_datetime64_any_dtype(table["Made"])
    assert "for any request" in table["Comparison"][0]


@pytest.mark.parametrize(
    ("words", "origins", "n"),
    [("", [], 3), ("NEGGRAD", [], 1), ("class 3", [], 2), ("class 9", [], 0),
     ("", [views.SHIPPED], 1), ("trained", [views.OWN], 1)],
)  # fmt: skip
def test_every_word_must_be_found(table, words, origins, n):
    assert len(views.found(table, words, origins)) == n


def test_a_number_is_found_as_a_whole():
    titles = [
        "Clothes, 3,000 examples: forget class 5",
        "Digits: forget class 3 (resnet18, width 8)",
    ]
    shown = {"Run": "MUDA", "Settings": "gamma 0.35", "Origin": views.OWN}
    table = pd.DataFrame([{**shown, "Comparison": title} for title in titles])
    assert views.found(table, "muda class 3", []).index.tolist() == [1]
    assert views.found(table, "3,000", []).index.tolist() == [0]
    assert len(views.found(table, "gamma 0.35", [])) == 2
    assert views.found(table, "35", []).empty


def test_only_what_differs_is_shown_beside_the_numbers(comparison):
    chosen = [comparison.runs["retrain"], comparison.runs["neggrad"]]
    rows = views.differences(chosen, {"neggrad": "NegGrad", "retrain": "Retrained"}).set_index("")
    assert rows.loc["method"].tolist() == ["retrain", "neggrad"]
    assert rows.loc["settings.epochs"].tolist() == ["–", "3"]
    assert "seed" not in rows.index
    assert rows.loc["Acc(D_f)"].str.endswith("%").all()


def test_removal_says_what_goes_along(comparison):
    config = comparison.runs["retrain"].config
    also = [comparison.runs["neggrad"].config]
    text = views.removal_text([config], also, {"neggrad": "NegGrad", "retrain": "Retrained"})
    assert text.startswith("**1 run** will be removed")
    assert text.endswith("So will **1 run** made from them: NegGrad, seed 0.")
    assert "So will" not in views.removal_text([config], [], {})
