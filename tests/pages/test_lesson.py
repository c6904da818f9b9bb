import re

import pytest

pytest.importorskip("streamlit", reason="pages need Streamlit, the core does not")

from pages.components import data_choice
from tests.pages.reading import figures, opened, texts
from tests.pages.test_overview import OTHER

pytestmark = pytest.mark.page
PAGES = ["manifolds", "metrics", "fooling", "alignment", "gamma", "unlearn"]


def bar(app):
    """Return the bar's first line, or None where there is no lesson."""
    return next((m.value for m in app.markdown if m.value.startswith("**Step ")), None)


def has_sidebar(app):
    return not any("stSidebar" in e.proto.body for e in app.get("html") if "lesson" in e.proto.body)


def test_the_overview_offers_a_lesson_and_has_no_bar_before(shipped_store):
    app = opened("overview")
    assert bar(app) is None
    assert has_sidebar(app)
    app.button(key="lesson_begin").click().run()
    assert not app.exception
    assert bar(app) == "**Step 1 of 6 · Before and after**"
    assert app.title[0].value == "Manifolds"
    assert app.multiselect(key="models").value == ["Original", "Retrained"]
    assert not has_sidebar(app)


def test_next_leads_to_each_stop_and_back_to_the_one_before(shipped_store):
    app = opened("overview")
    app.button(key="lesson_begin").click().run()
    titles = [bar(app)]
    while not app.button(key="lesson_next").disabled:
        app.button(key="lesson_next").click().run()
        assert not app.exception
        titles.append(bar(app))
    assert [re.match(r"\*\*Step (\d) of 6", title)[1] for title in titles] == list("123456")
    assert app.title[0].value == "Unlearn"
    app.button(key="lesson_back").click().run()
    assert bar(app) == titles[-2]
    assert app.title[0].value == "Gamma ablation"


def test_the_answer_comes_when_it_is_asked_for_and_goes_with_the_stop(shipped_store):
    app = opened("metrics", lesson="2")
    assert "methods are right on the examples to forget" not in texts(app)
    app.toggle(key="lesson_answer").set_value(True).run()
    assert re.search(r"\*\*\d+ of 22\*\* methods are right on the examples to forget", texts(app))
    app.button(key="lesson_next").click().run()
    assert not app.toggle(key="lesson_answer").value


def test_a_stop_is_found_again_by_its_address(shipped_store):
    app = opened("alignment", lesson="4", lesson_answer="true")
    assert bar(app) == "**Step 4 of 6 · Forgetting step by step**"
    assert "The retrained model's line is at" in texts(app)


def test_a_link_to_a_stop_shows_the_methods_that_its_answer_speaks_of(shipped_store):
    app = opened("metrics", lesson="2")
    shown = app.multiselect(key="metric_methods").value
    assert 0 < len(shown) < len(app.multiselect(key="metric_methods").options)
    asked = opened("metrics", lesson="2", metric_methods="MUDA")  # what the link chooses stays
    assert asked.multiselect(key="metric_methods").value == ["MUDA"]


def test_charts_have_large_type_in_a_lesson_alone(shipped_store):
    large, usual = (figures(opened("alignment", **query))[0] for query in ({"lesson": "4"}, {}))
    assert large["layout"]["xaxis"]["tickfont"]["size"] == 17
    assert "tickfont" not in usual["layout"]["xaxis"]


def test_another_page_shows_the_way_back_to_the_stop(shipped_store):
    app = opened("samples", lesson="2")
    assert bar(app) == "**Step 2 of 6 · Accuracy is not enough**"
    assert "lesson_answer" not in app.session_state
    app.button(key="lesson_return").click().run()
    assert app.title[0].value == "Metrics"
    assert app.pills(key="metric_groups").value[:2] == ["Accuracy", "Features"]
    assert 0 < len(app.multiselect(key="metric_methods").value) < 22


def test_end_leaves_the_page_as_it_usually_is(shipped_store):
    app = opened("fooling", lesson="3")
    app.button(key="lesson_end").click().run()
    assert bar(app) is None
    assert has_sidebar(app)
    assert app.title[0].value == "Fooling the metrics"
    app.switch_page("pages/metrics.py").run()
    assert bar(app) is None


def test_a_comparison_without_tricks_has_a_shorter_lesson(shipped_store):
    app = opened("metrics", comparison=OTHER, lesson="2")
    assert bar(app) == "**Step 2 of 5 · Accuracy is not enough**"
    app.button(key="lesson_next").click().run()
    assert app.title[0].value == "Alignment"


@pytest.mark.parametrize(
    ("wrong", "shown"), [("99", "6"), ("0", None), ("two", None), ("-1", None)]
)
def test_a_wrong_stop_in_the_address_is_the_last_or_none(shipped_store, wrong, shown):
    told = bar(opened("metrics", lesson=wrong))
    assert told is None if shown is None else told.startswith(f"**Step {shown} of")


def test_an_empty_store_has_no_lesson(empty_store):
    assert bar(opened("metrics", lesson="2")) is None


def test_the_last_stop_has_a_class_to_launch_that_nobody_forgot_yet(shipped_store, monkeypatch):
    app = opened("unlearn", lesson="6")
    assert app.multiselect(key="forget_class_digits").value == [4]  # 3 is forgotten
    app.multiselect(key="forget_class_digits").set_value([1]).run()
    assert app.multiselect(key="forget_class_digits").value == [1]  # a person's choice stays
    monkeypatch.setattr(data_choice, "is_here", lambda _: False)
    elsewhere = opened("unlearn", lesson="6", comparison=OTHER)
    assert "are not on this machine" in texts(elsewhere)
    assert elsewhere.multiselect(key="forget_class_digits").value == [4]
