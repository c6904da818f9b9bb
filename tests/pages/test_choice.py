"""Which comparison a page shows, and that a page's own choices follow it."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.reading import APP, figures, opened, texts
from tests.pages.test_overview import OTHER
from tests.stores import fill_store
from unlearn_core.config import RunConfig
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.store import Store

pytestmark = pytest.mark.page


@pytest.fixture
def with_own(tmp_path, monkeypatch, comparison):
    """Point the pages to the shipped runs and, later ones, those of the tiny comparison."""
    root = fill_store(tmp_path / "with_own")
    (root / "runs").symlink_to(comparison.store.runs)
    monkeypatch.setenv("UNLEARN_CACHE", str(root))
    return comparison.config.comparison_key()


@pytest.fixture
def keys(tmp_path):
    """Return the keys of the comparisons on digits that ship, by the kind of their request."""
    shipped = comparisons(Store(fill_store(tmp_path / "shipped"), demo=True))
    return {c.config.forget.kind: c.key for c in shipped}


def chosen(app):
    return app.session_state["comparison"]


def choose(app, key):
    app.session_state["comparison"] = key
    app.run()
    assert not app.exception, app.exception
    return app


def remember(monkeypatch, key):
    monkeypatch.setattr("pages.components.last_choice.read", lambda: key)


def test_the_lesson_is_the_default_whatever_anybody_ran_later(with_own, keys):
    assert chosen(opened("overview")) == keys["class"]


def test_a_browser_goes_on_where_it_was(with_own, monkeypatch):
    remember(monkeypatch, with_own)
    assert chosen(opened("metrics")) == with_own


def test_a_choice_that_no_longer_exists_gives_the_default(with_own, keys, monkeypatch):
    remember(monkeypatch, "0123456789abcdef")
    assert chosen(opened("overview")) == keys["class"]


def test_the_address_wins_over_the_browsers_last_choice(with_own, keys, monkeypatch):
    remember(monkeypatch, with_own)
    title = "Handwritten digits: forget 64 random examples (resnet18, width 8)"
    assert chosen(opened("overview", comparison=title)) == keys["random"]


def test_without_a_lesson_a_comparison_that_is_being_made_is_not_the_default(
    tmp_path, monkeypatch, keys
):
    root = tmp_path / "own"
    root.mkdir()
    shipped = fill_store(tmp_path / "not a lesson")
    (root / "runs").symlink_to(shipped / "demo" / "runs")
    monkeypatch.setenv("UNLEARN_CACHE", str(root))
    assert chosen(opened("overview")) == keys["class"]  # it has most runs
    store = Store(root)
    config = next(c for c in comparisons(store) if c.key == keys["class"]).config
    store.enqueue(RunConfig.from_dict({**config.to_dict(), "seed": 9}))
    assert chosen(opened("overview")) == keys["backdoor"]  # and that the second most


def test_the_maps_of_another_comparison_start_with_its_usual_models(with_own, keys):
    app = opened("manifolds")
    app.multiselect(key="models").set_value(["Original", "MUDA"]).run()
    choose(app, keys["random"])
    models = app.multiselect(key="models").value
    assert models[:2] == ["Original", "Retrained"]
    assert len(models) > 2


def test_models_on_alignment_follow_the_comparison(with_own):
    app = choose(opened("alignment"), with_own)
    methods = app.multiselect(key="curve_methods").value
    assert [name.split(" (")[0] for name in methods] == ["NegGrad", "Head-only finetune"]
    assert len(app.multiselect(key="spectrum_runs").value) == 3


def test_gamma_starts_on_the_chosen_request_also_where_another_has_more_points(with_own):
    app = choose(opened("gamma"), with_own)
    assert app.selectbox(key="gamma_class_request").value == with_own
    assert "RFA has not run on class 3" in texts(app)


def test_another_seed_never_keeps_half_of_the_chosen_models(tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_CACHE", str(fill_store(tmp_path / "clothes", "fashion")))
    app = opened("layers")
    app.multiselect(key="models").set_value(["Original", "MUDA", "Fisher"]).run()
    app.selectbox(key="seed").set_value(1).run()  # of which there is no Fisher
    assert not app.exception
    usual = app.multiselect(key="models").value
    assert "Retrained" in usual
    assert len(usual) > 2
    app.multiselect(key="models").set_value(["Original", "MUDA"]).run()
    app.selectbox(key="seed").set_value(2).run()  # which has both
    assert app.multiselect(key="models").value == ["Original", "MUDA"]


def test_a_link_to_a_comparison_that_is_not_here_says_so_and_opens_the_default(shipped_store):
    app = AppTest.from_file(APP, default_timeout=120)
    app.query_params["comparison"] = "Nobody's data: forget class 3"
    app.run()
    assert not app.exception
    [warning] = app.sidebar.warning
    assert "Nobody's data" in warning.value
    assert not app.switch_page("pages/metrics.py").run().exception
    assert app.sidebar.warning  # until a person chooses
    app.selectbox(key="comparison").set_value(app.selectbox(key="comparison").options[1]).run()
    assert not app.sidebar.warning
    assert not opened("overview").sidebar.warning


@pytest.mark.parametrize("page", ["bring_back", "incremental"])
def test_where_a_comparison_lacks_what_a_page_is_about_another_is_a_click_away(page, shipped_store):
    app = opened(page, comparison=OTHER)
    assert not figures(app)
    [offered] = [button for button in app.button if (button.key or "").startswith("show_")]
    assert offered.label == "Handwritten digits: forget class 3 (resnet18, width 8)"
    offered.click().run()
    assert not app.exception
    assert figures(app)
    assert not [button for button in app.button if (button.key or "").startswith("show_")]
