import pytest

from tests.pages.reading import figures, links, opened, texts
from unlearn_core.methods import resolve_settings

pytestmark = pytest.mark.page


@pytest.fixture
def submitted(monkeypatch):
    """Catch what the page hands to the queue."""
    configs = []
    monkeypatch.setattr("pages.components.queue.submit", configs.extend)
    return configs


def test_empty_store_says_where_to_start(empty_store):
    assert "no finished runs yet" in opened("gamma").info[0].value


def test_accuracy_and_both_feature_distances_are_drawn(shipped_store):
    names = {trace["name"] for trace in figures(opened("gamma"))[0]["data"]}
    assert {"Acc(D<sub>f</sub>)", "FD to original", "FD to retrained"} <= names
    assert "FD to original, retrained" in names


def test_a_new_request_is_planned_with_all_five_points_and_its_references(shipped_store, submitted):
    app = opened("gamma")
    app.selectbox(key="gamma_class_request").set_value("new").run()
    app.selectbox(key="gamma_class").set_value(5).run()
    app.button(key="gamma_class_run").click().run()
    assert [c.method for c in submitted].count("rfa") == 5
    assert {c.method for c in submitted} == {"original", "retrain", "rfa"}
    assert {c.forget.values for c in submitted} == {(5,)}
    settings = [resolve_settings("rfa", c.settings) for c in submitted if c.method == "rfa"]
    assert sorted(s.gamma for s in settings) == [0, 0.25, 0.5, 0.75, 1]
    assert {s.learning_rate for s in settings} == {0.005}  # the preset of the digits


def test_number_of_random_images_can_be_chosen(shipped_store, submitted):
    app = opened("gamma")
    app.selectbox(key="gamma_samples_request").set_value("new").run()
    app.number_input(key="gamma_samples").set_value(10).run()
    app.button(key="gamma_samples_run").click().run()
    assert {(c.forget.kind, c.forget.values) for c in submitted} == {("random", (10,))}


def test_page_tells_which_points_are_there(shipped_store):
    text = texts(opened("gamma"))
    assert "All points are there." in text or "Missing: gamma" in text
    assert "FD to original is definition 1" in text


def test_the_ablation_leads_to_the_grid_of_which_it_is_a_case(shipped_store):
    assert "grid" in links(opened("gamma"))
