import pytest

from tests.pages.reading import figures, links, opened, texts

pytestmark = pytest.mark.page


def test_empty_store_says_where_to_start(empty_store):
    app = opened("privacy")
    assert "no finished runs yet" in app.info[0].value
    assert links(app) == ["unlearn"]


def test_each_model_has_a_panel_with_three_sets_beside_the_retrained(shipped_store):
    app = opened("privacy")
    distributions, _ = figures(app)
    titles = [note["text"] for note in distributions["layout"]["annotations"]]
    assert {"<b>Original</b>", "<b>Retrained</b>", "<b>MUDA</b>"} <= set(titles)
    legend = [trace["name"] for trace in distributions["data"] if trace["showlegend"]]
    assert len(legend) == 3
    dashes = {trace["line"]["dash"] for trace in distributions["data"]}
    assert dashes == {"solid", "dash", "dot"}


def test_dragging_the_threshold_changes_counts_and_sides(shipped_store):
    app = opened("privacy")
    before = table(app, "AUC")
    slider = app.slider[0]
    slider.set_value(slider.min).run()
    assert not app.exception
    after = table(app, "AUC")
    assert after.iloc[:, 1].str.contains("100%").all()
    assert not before.iloc[:, 1].str.contains("100%").all()
    assert before["AUC"].tolist() == after["AUC"].tolist()
    assert "**0 of $D_{f}$ called non\\-members**" in texts(app).replace("non-", "non\\-")


def table(app, column):
    return next(frame.value for frame in (*app.table, *app.dataframe) if column in frame.value)


def test_threshold_and_score_live_in_the_address(shipped_store):
    app = opened("privacy", score="Entropy", threshold_entropy="2.5")
    assert app.slider[0].value == 2.5
    layout = figures(app)[0]["layout"]
    axes = [
        part["title"]["text"]
        for name, part in layout.items()
        if name.startswith("xaxis") and "title" in part
    ]
    assert "-log10 of the entropy" in axes


def test_most_exposed_are_shown_with_pictures_beside_the_retrained_model(shipped_store):
    rows = table(opened("privacy", attacked_model="Original"), "exposure")
    assert rows["exposure"].is_monotonic_decreasing
    assert (rows["score"] - rows["retrained"]).tolist() == pytest.approx(rows["exposure"].tolist())
    assert rows["image"].str.startswith("data:image/png").all()


def test_without_the_retrained_model_nothing_is_called_exposed(shipped_store):
    app = opened("privacy")
    app.multiselect(key="models").set_value(["Original", "MUDA"]).run()
    assert not app.exception
    assert "Choose the retrained model above too" in app.info[0].value


def test_wrong_words_in_the_address_are_left_out(shipped_store):
    app = opened("privacy", score="x", threshold_confidence="1e9", attacked_model="y", models="z")
    assert len(figures(app)) == 2


def test_roc_is_logarithmic(shipped_store):
    roc = figures(opened("privacy"))[1]
    assert roc["layout"]["xaxis"]["type"] == "log"
    assert roc["data"][-1]["name"] == "guessing"


def test_non_members_are_unseen_images_of_the_forgotten_class_or_others(shipped_store):
    assert "non-members ($D_{ft}$)" in table(opened("privacy"), "AUC")
    app = opened("privacy", non_members="Test examples of the kept classes")
    assert "non-members ($D_{rt}$)" in table(app, "AUC")
