import pytest

from tests.pages.reading import figures, links, opened, texts

pytestmark = pytest.mark.page


def test_empty_store_says_where_to_start(empty_store):
    app = opened("layers")
    assert "no finished runs yet" in app.info[0].value
    assert links(app) == ["unlearn"]


def test_models_are_drawn_by_depth_against_both_references(shipped_store):
    figure = figures(opened("layers"))[0]
    titles = [note["text"] for note in figure["layout"]["annotations"]]
    assert titles == ["against the original model", "against the retrained model"]
    left = {trace["name"] for trace in figure["data"] if trace["xaxis"] == "x"}
    right = {trace["name"] for trace in figure["data"] if trace["xaxis"] == "x2"}
    assert {"Retrained", "RFA (LoRA)", "MUDA"} <= left
    assert "Original" not in left
    assert {"Original", "RFA (LoRA)"} <= right
    assert "Retrained" not in right


def test_models_differ_in_marker_and_dash(shipped_store):
    figure = figures(opened("layers"))[0]
    left = [trace for trace in figure["data"] if trace["xaxis"] == "x"]
    styles = {(trace["marker"]["symbol"], trace["line"]["dash"]) for trace in left}
    assert len(styles) == len(left)


def test_measure_and_set_live_in_the_address(shipped_store):
    app = opened("layers", layer_measure="Feature distance", layer_set="to keep (D_r)")
    assert "depends on the initial weights" in texts(app)
    assert "64 examples of $D_{r}$" in texts(app)
    assert figures(app)[0]["layout"]["yaxis"]["title"]["text"] == "mean absolute difference"


def test_cka_is_said_not_to_depend_on_the_order_of_channels(shipped_store):
    assert "however their channels are ordered" in texts(opened("layers"))


def test_wrong_words_in_the_address_are_left_out(shipped_store):
    app = opened("layers", layer_measure="x", layer_set="y", models="z", comparison="nothing")
    assert len(figures(app)) == 1


def test_no_model_chosen_says_what_to_do(shipped_store):
    app = opened("layers")
    app.multiselect(key="models").set_value([]).run()
    assert "Choose at least one model" in app.info[0].value


def test_a_reference_alone_has_nothing_to_compare_with_itself(own, comparison):
    app = opened("layers")
    app.multiselect(key="models").set_value(["Original"]).run()
    [figure] = figures(app)
    assert {trace["xaxis"] for trace in figure["data"]} == {"x2"}
