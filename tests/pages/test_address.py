"""A link opens the view that its address names, also where labels hold counts."""

import pytest

from tests.pages.reading import APP, figures, opened, texts

pytestmark = pytest.mark.page

PAGES = sorted(path.stem for path in (APP.parent / "pages").glob("*.py"))


def places(app):
    """Return where on the page each widget stands that is bound to the address, by its key."""
    found = {}

    def walk(node, path):
        for number, child in getattr(node, "children", {}).items():
            walk(child, (*path, number))
        if getattr(getattr(node, "proto", None), "query_param_key", ""):
            found[node.key] = path

    walk(app.main, ())
    return found


def choices(app):
    """Return what is shown and what else could be, by the key of each widget with options."""
    one = {w.key: (w.index, w) for w in app.main.get("selectbox")}
    grouped = {w.key: (next(iter(w.indices), None), w) for w in app.main.get("button_group")}
    return {
        key: (widget, index, [n for n in range(len(widget.options)) if n != index])
        for key, (index, widget) in {**one, **grouped}.items()
    }


@pytest.mark.parametrize("name", PAGES)
def test_no_choice_moves_another(shipped_store, name):
    # one that moves is on the page twice for a moment, and may stay out of the address from then on
    app = opened(name)
    before = places(app)
    for key in before:
        widget, index, others = choices(app).get(key, (None, None, []))
        for other in others[:1]:
            widget.set_value(widget.options[other]).run()
            moved = {k: place for k, place in places(app).items() if before.get(k, place) != place}
            assert not moved, (key, widget.options[other])
            if index is not None:
                choices(app)[key][0].set_value(widget.options[index]).run()


def test_a_verdict_on_the_overview_stands_in_the_address_without_its_count(shipped_store):
    app = opened("overview", verdict="remembers")
    assert app.pills(key="verdict").value == "remembers"
    app.pills(key="verdict").set_value("matched").run()
    assert app.query_params["verdict"] == "matched"
    app.pills(key="verdict").set_value(None).run()
    assert "verdict" not in app.query_params


def test_a_verdict_that_no_method_has_is_ignored(shipped_store):
    app = opened("overview", verdict="perfect")
    assert app.pills(key="verdict").value is None


def test_curves_and_spectra_of_a_link_are_those_of_its_address(shipped_store):
    app = opened("alignment", curve_methods=["MUDA"], spectrum_runs=["MUDA, seed 0"])
    curves, spectra = figures(app)
    assert {trace["name"] for trace in curves["data"]} == {"MUDA"}
    assert {trace["name"] for trace in spectra["data"]} == {"MUDA"}
    assert len(app.multiselect(key="spectrum_runs").value) == 1


def test_the_loss_of_a_link_is_the_one_of_its_address(shipped_store):
    names = opened("alignment", curve_kind="Losses").selectbox(key="loss").options
    assert len(names) > 1
    app = opened("alignment", curve_kind="Losses", loss=names[-1])
    title = figures(app)[0]["layout"]["yaxis"]["title"]["text"]
    assert title == f"{names[-1]} (nats)"


def test_the_models_below_the_maps_are_those_of_the_address(shipped_store):
    chosen = ["Original", "Retrained", "MUDA", "SCRUB"]
    app = opened("manifolds", models=chosen, moved_run="MUDA", steps=["SCRUB"])
    assert app.selectbox(key="moved_run").value == "MUDA"
    assert app.multiselect(key="steps").value == ["SCRUB"]


def test_a_request_on_gamma_stands_in_the_address_by_its_key(shipped_store):
    app = opened("gamma", gamma_samples_request="new", gamma_samples="10")
    assert app.number_input(key="gamma_samples").value == 10
    choice = app.selectbox(key="gamma_class_request")
    usual = choice.value
    choice.set_value("new").run()
    assert app.query_params["gamma_class_request"] == "new"
    assert "points" in texts(app) or "Missing: gamma" in texts(app)
    app.selectbox(key="gamma_class_request").set_value(usual).run()
    assert "gamma_class_request" not in app.query_params
