import pytest

from tests.pages.reading import figures, links, opened, texts

pytestmark = pytest.mark.page


def test_empty_store_says_where_to_start(empty_store):
    app = opened("overview")
    assert "no finished runs yet" in app.info[0].value
    assert links(app) == ["unlearn"]


def test_sizes_of_the_sets_and_the_request_are_told(shipped_store):
    app = opened("overview")
    assert "remove **class 3**" in texts(app)
    assert [metric.value for metric in app.metric][:3] == ["146", "1,292", "359"]


def test_maps_of_original_retrained_and_best_stand_side_by_side(shipped_store):
    app = opened("overview")
    titles = [note["text"] for note in figures(app)[0]["layout"]["annotations"]]
    assert titles[:2] == ["Original", "Retrained"]
    assert len(titles) == 3
    assert f"Shown as best: {titles[2]}. The rule:" in texts(app)
    assert "trustworthiness" in texts(app)


def test_forget_set_is_told_by_marker_shape_in_every_map(shipped_store):
    data = figures(opened("overview"))[0]["data"]
    forgotten = [trace for trace in data if "to forget" in trace["name"]]
    assert len(forgotten) == 3
    assert {trace["marker"]["symbol"] for trace in forgotten} == {"diamond"}


def test_every_method_has_a_card_with_verdict_and_the_retrained_numbers(shipped_store):
    text = texts(opened("overview"))
    for part in ("MUDA", "RFA (LoRA)", "Finetune", "matched", "remembers", "Speed-up"):
        assert part in text


def test_tour_leads_through_the_pages(shipped_store):
    app = opened("overview")
    assert {"manifolds", "metrics", "alignment", "gamma", "unlearn"} <= set(links(app))
    assert texts(app).count("*Ask:") >= 5
