import pytest

from tests.pages.reading import figures, links, opened, texts

pytestmark = pytest.mark.page


def test_empty_store_says_where_to_start(empty_store):
    app = opened("predictions")
    assert "no finished runs yet" in app.info[0].value
    assert links(app) == ["unlearn"]


def test_page_shows_where_answers_went_accuracy_by_class_and_a_matrix(shipped_store):
    app = opened("predictions")
    answers, accuracy, matrix = figures(app)
    assert {"Original", "Retrained"} <= set(answers["layout"]["yaxis"]["ticktext"])
    assert "<b>3</b><br>to forget" in accuracy["layout"]["xaxis"]["ticktext"]
    assert matrix["layout"]["yaxis"]["ticktext"] == ["3"]  # all of D_f
    assert "146 examples to forget" in texts(app)


def test_models_are_told_apart_by_marker_as_well(shipped_store):
    accuracy = figures(opened("predictions"))[1]
    symbols = [trace["marker"]["symbol"] for trace in accuracy["data"]]
    assert len(set(symbols)) == len(symbols)


def test_the_matrix_of_everything_has_a_row_a_class(shipped_store):
    app = opened("predictions", prediction_set="of every set", matrix_model="MUDA")
    assert figures(app)[2]["layout"]["yaxis"]["ticktext"] == [str(n) for n in range(10)]
    assert app.selectbox(key="matrix_model").value == "MUDA"


def test_a_cell_in_the_address_opens_its_examples_with_every_models_answer(shipped_store):
    app = opened("predictions", matrix_model="Original", answered_class="3")
    [table] = [frame.value for frame in app.dataframe]
    assert set(table["label"]) == {"3"}
    assert set(table["Original"]) == {"3"}
    assert table["image"].str.startswith("data:image/png").all()
    assert {"Retrained", "Retrained p", "MUDA"} <= set(table)
    assert "All of them stand in the table at the end of this page." in texts(app)
    first, _, matrix = figures(app)
    assert len(first["layout"]["shapes"]) == len(matrix["layout"]["shapes"]) == 1
    app.selectbox(key="true_class").set_value("3").run()  # a cell of the matrix alone
    assert "All of them stand" not in texts(app)
    assert "shapes" not in figures(app)[0]["layout"]


def test_wrong_words_in_the_address_are_left_out(shipped_store):
    app = opened(
        "predictions", matrix_model="x", true_class="77", answered_class="y", prediction_set="z"
    )
    assert app.selectbox(key="true_class").value == "any"
    assert len(figures(app)) == 3


def test_another_choice_of_models_keeps_the_matrix_of_one_of_them(shipped_store):
    app = opened("predictions", matrix_model="Original")
    app.multiselect(key="models").set_value(["Retrained", "MUDA"]).run()
    assert not app.exception
    assert app.selectbox(key="matrix_model").value == "MUDA"


def test_a_request_for_single_images_has_no_forgotten_class(shipped_store):
    title = "Handwritten digits: forget 64 random examples (resnet18, width 8)"
    app = opened("predictions", comparison=title)
    ticks = figures(app)[1]["layout"]["xaxis"]["ticktext"]
    assert ticks == [str(n) for n in range(10)]
