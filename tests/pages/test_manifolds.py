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


def payload(app):
    sent = {e.proto.component_name: e.proto for e in app.get("bidi_component")}
    return json.loads(sent["unlearn_feature_map"].json)["map"]


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
    app.segmented_control(key="highlight").set_value("forgotten").run()
    notes = {panel["label"]: panel["note"] for panel in payload(app)["panels"]}
    n_unknown, n_all = notes["Original"].removeprefix("correctly forgotten: ").split(" of ")
    assert int(n_unknown) < 0.05 * int(n_all)
    n_forgotten, n_forget = notes["Retrained"].removeprefix("correctly forgotten: ").split(" of ")
    assert n_forgotten == n_forget  # of a class that it never saw


def test_own_layouts_are_not_linked(app):
    app.segmented_control(key="layout").set_value("own").run()
    assert payload(app)["linked"] is False
    assert "cannot be compared" in texts(app)


def test_a_selection_shows_pictures_and_every_model_s_prediction(app):
    with_selection(app, [0, 3, 13])
    assert not app.exception
    rows = app.dataframe[0].value
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


def test_the_steps_are_frames_of_one_chart(app):
    chart = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert len(chart["frames"]) > 3
    assert chart["layout"]["sliders"][0]["steps"][0]["label"] == "0"
    assert "tracked examples" in texts(app)


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
