"""The page on settings that were tried, on a comparison that is not the first."""

import pytest

from tests.pages.reading import figures, links, opened, texts

pytestmark = pytest.mark.page


def test_empty_store_says_where_to_start(empty_store):
    assert "no finished runs yet" in opened("grid").info[0].value


def test_a_comparison_without_a_grid_says_how_to_make_one(own):
    app = opened("grid")
    assert "No method ran with several settings" in app.info[0].value
    assert links(app) == ["unlearn"]


def test_every_combination_is_a_line_and_a_row_beside_the_retrained_model(shipped_store):
    app = opened("grid")
    assert app.selectbox(key="grid_method").value == "RFA (LoRA)"
    lines = [t for t in figures(app)[0]["data"] if t["mode"] == "lines+markers"]
    assert len(lines) == 5
    table = app.dataframe[0].value
    assert table["gamma"].tolist()[:5] == [0, 0.25, 0.5, 0.75, 1]
    assert table["verdict"].tolist()[-1] == "retrained"
    assert "5 combinations of gamma." in texts(app)


def test_conditions_and_numbers_stand_in_the_address(shipped_store):
    app = opened("grid", grid_only=["gamma 0", "gamma 1"], grid_metrics=["Acc(D_f)"])
    assert app.dataframe[0].value["gamma"].tolist()[:2] == [0, 1]
    assert list(app.dataframe[0].value.columns) == ["gamma", "verdict", "seeds", "Acc(D_f)"]
    assert "2 of 5 combinations of gamma." in texts(app)


def test_conditions_that_nothing_meets_say_so(shipped_store):
    app = opened("grid")
    words = app.dataframe[0].value["verdict"].tolist()
    other = next(word for word in words if word not in ("reference", words[0]))
    app.multiselect(key="grid_only").set_value(["gamma 0", f"verdict: {other}"]).run()
    assert "No combination has all of this" in app.info[0].value


def test_lines_chosen_in_the_chart_are_those_of_the_table(shipped_store):
    app = opened("grid")
    app.session_state["grid"] = {"selection": {"points": [{"customdata": 4}]}}
    app.run()
    assert app.dataframe[0].value["gamma"].tolist()[:1] == [1]
    assert len(app.dataframe[0].value) == 2
