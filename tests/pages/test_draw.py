import pytest

from tests.pages.reading import figures, links, opened, texts
from tests.views.test_own_picture import enlarged, png

pytestmark = pytest.mark.page


def test_empty_store_says_where_to_start(empty_store):
    assert links(opened("draw")) == ["unlearn"]


def test_models_that_shipped_without_weights_can_be_made_here(shipped_store, monkeypatch):
    handed = {}
    monkeypatch.setattr(
        "pages.components.queue.submit",
        lambda configs, **options: handed.update(options, configs=configs),
    )
    app = opened("draw")
    assert "Shipped without weights" in app.info[0].value
    assert "Original" not in app.info[0].value
    assert "Draw or upload something" in app.info[-1].value
    app.button(key="weights_run").click().run()
    assert handed["weights"]
    assert {"rfa", "muda"} <= {config.method for config in handed["configs"]}


def test_a_comparison_on_texts_says_that_it_has_no_pictures(shipped_store, monkeypatch):
    monkeypatch.setattr("pages.components.data_reads.dataset", lambda _config: object())
    app = opened("draw")
    assert "These models read texts" in app.info[0].value
    assert not app.get("plotly_chart")


@pytest.mark.slow
def test_an_uploaded_picture_is_answered_by_every_model(own, comparison):
    app = opened("draw", own_kind="Upload")
    app.file_uploader[0].upload("mine.png", png(enlarged(3)), "image/png").run()
    assert not app.exception
    [figure] = figures(app)
    assert {"Original", "Retrained"} <= set(figure["data"][0]["y"])
    assert "What it resembles" in texts(app)
    assert len(app.get("image")) >= 3 * 8


def test_a_file_that_is_no_picture_is_refused_in_one_line(own, comparison):
    app = opened("draw", own_kind="Upload")
    app.file_uploader[0].upload("mine.png", b"nothing of the kind", "image/png").run()
    assert not app.exception
    assert [error.value for error in app.error] == ["mine.png is not a readable image."]
