import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

pytestmark = pytest.mark.page
APP = Path(__file__).resolve().parents[2] / "app.py"
PAGE = "pages/manifolds.py"


def opened(**state):
    app = AppTest.from_file(APP, default_timeout=60)
    app.run()
    for key, value in state.items():
        app.session_state[key] = value
    return app.switch_page(PAGE).run()


def sent(app, component="unlearn_feature_map"):
    components = {e.proto.component_name: e.proto for e in app.get("bidi_component")}
    return json.loads(components[component].json)


def payload(app):
    points = sent(app, "unlearn_points")
    assert sent(app)["map"] == {name: points[name] for name in ("version", "outline")}
    return points


def texts(app):
    return " ".join(
        element.value
        for kind in ("markdown", "caption", "info", "warning")
        for element in app.get(kind)
    )


@pytest.fixture
def app(shipped_store):
    return opened()


def with_selection(app, ids):
    app.session_state["map_selected"] = ids
    return app.run()


def test_an_empty_store_says_what_to_do(empty_store):
    app = opened()
    assert not app.exception
    assert "no finished runs yet" in app.info[0].value


def test_the_maps_start_with_the_original_the_retrained_and_the_methods(app):
    assert not app.exception
    panels = payload(app)["panels"]
    assert [panel["label"] for panel in panels[:2]] == ["Original", "Retrained"]
    assert 3 <= len(panels) <= 6
    assert panels[1]["verdict"] == "reference"


def test_the_recipe_stands_under_the_maps(app):
    assert "UMAP of penultimate features" in texts(app)
    assert "Trustworthiness" in texts(app)
    assert "seed 0" in texts(app)


def test_a_highlight_counts_what_it_shows(app):
    app.selectbox(key="highlight").set_value("forgotten").run()
    notes = {panel["label"]: panel["note"] for panel in payload(app)["panels"]}
    n_unknown, n_all = notes["Original"].removeprefix("correctly forgotten: ").split(" of ")
    assert int(n_unknown) < 0.05 * int(n_all)
    n_forgotten, n_forget = notes["Retrained"].removeprefix("correctly forgotten: ").split(" of ")
    assert n_forgotten == n_forget  # of a class that it never saw


def test_own_layouts_are_not_linked(app):
    app.selectbox(key="layout").set_value("own").run()
    assert payload(app)["linked"] is False
    assert "cannot be compared" in texts(app)


def test_a_selection_shows_pictures_and_every_model_s_prediction(app):
    with_selection(app, [0, 3, 13])
    assert not app.exception
    rows = app.dataframe(key="map_rows").value
    assert rows["id"].tolist() == [0, 3, 13]
    assert rows["image"].str.startswith("data:image/png").all()
    assert {"Original", "Retrained", "Retrained p"} <= set(rows.columns)
    assert "3 selected" in texts(app)


def test_forget_exactly_these_takes_only_training_ids_to_the_unlearn_page(app):
    from unlearn_core.config import DataConfig
    from unlearn_core.data import load_dataset

    dataset = load_dataset(DataConfig())
    ids = [int(i) for i in (*dataset.train_ids[:3], dataset.test_ids[0])]
    with_selection(app, ids)
    button = app.button(key="forget_these")
    assert "(3)" in button.label
    button.click().run()
    assert not app.exception
    assert app.title[0].value == "Unlearn"
    assert "3" in [metric.value for metric in app.metric]  # the size of the forget set


def test_test_examples_cannot_be_forgotten(app):
    from unlearn_core.config import DataConfig
    from unlearn_core.data import load_dataset

    with_selection(app, [int(load_dataset(DataConfig()).test_ids[0])])
    assert app.button(key="forget_these").disabled
    assert "nothing to forget" in texts(app)


def test_what_moved_most_is_selected_on_the_maps_by_a_button(app):
    app.button(key="select_moved").click().run()
    assert len(app.session_state["map_selected"]) == 12
    app.button(key="clear_selected").click().run()
    assert app.session_state["map_selected"] == []


def steps_of(app):
    components = {e.proto.component_name: e.proto for e in app.get("bidi_component")}
    return json.loads(components["unlearn_steps"].json)


def test_several_methods_go_through_their_steps_beside_the_retrained_model_s_line(app):
    course = steps_of(app)
    labels = [panel["label"] for panel in course["panels"]]
    assert len(labels) == 3
    assert "Retrained" not in labels
    assert all(panel["steps"][0] == 0 and len(panel["frames"]) > 3 for panel in course["panels"])
    assert 0.5 < course["retrained"] <= 1
    assert "tracked examples" in texts(app)


def test_another_curve_and_other_methods_can_be_chosen(app):
    app.selectbox(key="steps_curve").set_value("forget_accuracy").run()
    app.multiselect(key="steps").set_value(["MUDA"]).run()
    course = steps_of(app)
    assert [panel["label"] for panel in course["panels"]] == ["MUDA"]
    assert course["retrained"] == 0  # of a class that it never saw
    app.multiselect(key="steps").set_value([]).run()
    assert "Choose at least one method" in texts(app)


def test_a_run_without_a_map_says_why(filled_store, monkeypatch):
    monkeypatch.setattr(
        "unlearn_core.views.manifold.points.missing_map",
        lambda run: "umap-learn is not installed" if run.config.method == "rfa" else None,
    )
    app = opened()
    assert "umap-learn is not installed" in app.warning[0].value
    assert not any(panel["label"].startswith("RFA") for panel in payload(app)["panels"])


def test_the_models_come_from_the_address(shipped_store):
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["models"] = ["Original", "MUDA"]
    app.run()
    app.switch_page(PAGE).run()
    assert [panel["label"] for panel in payload(app)["panels"]] == ["Original", "MUDA"]


def test_what_moved_most_is_ranked_in_feature_space_and_not_on_the_map(app):
    rows = app.dataframe[-1].value
    assert rows["moved"].is_monotonic_decreasing
    assert not rows["distance"].is_monotonic_decreasing
    app.segmented_control(key="moved_by").set_value("new_neighbours").run()
    assert app.dataframe[-1].value["new_neighbours"].is_monotonic_decreasing


def test_a_group_that_changed_neighbours_together_can_be_selected(app):
    app.selectbox(key="moved_run").set_value("Retrained").run()
    assert "from among class 3 to among class 9" in texts(app)
    app.button(key="select_group_0").click().run()
    ids = app.session_state["map_selected"]
    assert len(ids) >= 5
    assert sent(app)["selection"]["ids"] == ids
    assert f"{len(ids)} examples from among class 3" in texts(app)


def test_where_no_group_went_another_way_the_page_says_how_to_find_some(app):
    app.slider(key="least").set_value(1.0).run()
    assert "None at this share of new neighbours" in texts(app)


def test_new_neighbours_colour_the_maps_and_the_original_has_none(app):
    app.selectbox(key="colour").set_value("new_neighbours").run()
    app.selectbox(key="highlight").set_value("changed").run()
    maps = payload(app)
    assert maps["values"]["name"] == "New neighbours"
    notes = {panel["label"]: panel["note"] for panel in maps["panels"]}
    assert "new neighbours: 0 of" in notes["Original"]
    assert "new neighbours: 0 of" not in notes["Retrained"]
    app.segmented_control(key="against").set_value("retrain").run()
    notes = {panel["label"]: panel["note"] for panel in payload(app)["panels"]}
    assert "new neighbours: 0 of" in notes["Retrained"]


def test_two_maps_have_the_way_between_them(app):
    app.selectbox(key="view").set_value("two").run()
    maps = payload(app)
    assert [panel["label"] for panel in maps["panels"]] == ["Original", "RFA (LoRA)"]
    assert maps["trail"] is not None
    app.selectbox(key="map_to").set_value("Retrained").run()
    assert [panel["label"] for panel in payload(app)["panels"]] == ["Original", "Retrained"]


def test_a_linear_map_has_depth_and_says_how_much_it_shows(app):
    app.selectbox(key="layout").set_value("linear").run()
    assert {"x", "y", "z"} <= set(payload(app)["panels"][0])
    assert "Share of the variance that is shown: Original" in texts(app)


def test_without_usable_features_a_linear_map_says_what_to_do(filled_store, monkeypatch):
    monkeypatch.setattr(
        "unlearn_core.views.manifold.neighbourhoods.neighbourhoods", lambda run: None
    )
    app = opened()
    app.selectbox(key="layout").set_value("linear").run()
    assert not app.exception
    assert "Choose another layout" in texts(app)
    assert "None at this share" not in texts(app)
    assert app.segmented_control(key="moved_by").options == ["Distance on the map"]


def test_a_pinned_example_has_neighbours_in_every_model(app):
    app.session_state["map_pinned"] = 17
    app.run()
    pin = sent(app)["pin"]
    assert pin["id"] == 17
    assert {len(ids) for ids in pin["neighbours"].values()} == {15}
    assert set(pin["neighbours"]) == {panel["key"] for panel in payload(app)["panels"]}
    assert "id 17" in texts(app)


def test_a_selection_gets_a_name_and_is_there_after_a_reload(filled_store):
    app = with_selection(opened(), [3, 13])
    app.text_input(key="selection_name").set_value("odd threes").run()
    app.button(key="save_selection").click().run()
    assert not app.exception
    assert app.selectbox(key="selection").value == "odd threes"
    again = AppTest.from_file(APP, default_timeout=60)
    again.query_params["selection"] = "odd threes"
    again.run()
    again.switch_page(PAGE).run()
    assert sent(again)["selection"]["ids"] == [3, 13]
    again.button(key="remove_selection").click().run()
    assert again.selectbox(key="selection").options == []


def test_an_address_selects_and_pins_what_is_on_the_maps(filled_store):
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params.update(
        {"picked": "3.a.zzzzzz", "pin": "17"}
    )  # 3, 13 and one that is not there
    app.run()
    app.switch_page(PAGE).run()
    assert sent(app)["selection"]["ids"] == [3, 13]
    assert sent(app)["pin"]["id"] == 17


def test_a_selection_without_a_name_is_refused_in_one_line(filled_store):
    app = with_selection(opened(), [3])
    app.button(key="save_selection").click().run()
    assert "must have 1 to 60 letters, got 0" in app.warning[0].value


def test_a_saved_selection_replaces_what_is_selected(filled_store):
    app = with_selection(opened(), [3, 13])
    app.text_input(key="selection_name").set_value("two").run()
    app.button(key="save_selection").click().run()
    app.button(key="clear_selected").click().run()
    app.selectbox(key="selection").set_value(None).run()
    app.session_state["map_pinned"] = 17
    app.selectbox(key="selection").set_value("two").run()
    assert sent(app)["selection"]["ids"] == [3, 13]
    assert sent(app)["pin"]["id"] == 17
    assert app.selectbox(key="selection").value == "two"
    assert with_selection(app, [3, 14]).selectbox(key="selection").value is None
