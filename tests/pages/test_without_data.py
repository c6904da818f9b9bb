"""A comparison that ships without its data: labels, answers and maps of a part of the examples."""

import shutil

import numpy as np
import pytest

pytest.importorskip("streamlit", reason="pages need Streamlit, the core does not")

from pages.components import data_reads
from tests.pages.reading import APP, opened, texts
from unlearn_core.config import DataConfig
from unlearn_core.data import DataNotFoundError, load_dataset
from unlearn_core.engine.packing import slim
from unlearn_core.engine.shipped import list_again
from unlearn_core.runs import kept_labels
from unlearn_core.runs.store import Store

pytestmark = pytest.mark.page

PAGES = sorted(path.stem for path in (APP.parent / "pages").glob("*.py"))
KEPT = 300


@pytest.fixture(params=["comparison", pytest.param("planted", marks=pytest.mark.slow)])
def made(request):
    """The tiny comparison on a class, or that with a backdoor."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def away(made, tmp_path, monkeypatch):
    """Ship a comparison with 300 examples and no pictures; return the demo's store."""
    small = Store(tmp_path / "cache" / "demo")
    base = made.store.load(made.config.base().key())
    on_map = base.table(base.map_facts["file"])["example_id"].to_numpy()
    for key in made.store.list():
        slim(made.store.load(key), small.runs, weights=False, examples=on_map[:KEPT])
    list_again(small.root)
    whole = load_dataset(DataConfig(name=made.config.data.name))
    kept_labels.keep(small, whole, made.config.data)
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))

    def missing(*_arguments, **_options):
        raise DataNotFoundError("These digits are not here. Put them into the folder.")

    monkeypatch.setattr(data_reads, "load_dataset", missing)
    data_reads.whole_dataset.clear()
    yield small
    data_reads.whole_dataset.clear()


def test_every_page_shows_what_is_here_and_says_what_is_not(away):
    app = opened("overview")
    for name in PAGES:
        app.switch_page(f"pages/{name}.py").run()
        assert not app.exception, (name, app.exception)
        told = texts(app)
        if name not in ("unlearn", "runs", "methods", "draw"):
            assert "did not come with the project: striped tiles stand for them" in told, name
            assert f"count {KEPT} random examples, Metrics" in told, name


def test_pages_that_need_the_data_say_where_it_belongs(away):
    app = opened("unlearn")
    assert "Put them into the folder." in "".join(error.value for error in app.error)


@pytest.mark.parametrize(("name", "key"), [("incremental", "incremental_run"), ("gamma", None)])
def test_a_button_that_makes_runs_says_that_they_need_the_files(away, made, name, key):
    if made.config.forget.kind != "class":
        pytest.skip("these pages are about classes")
    app = opened(name)
    assert "Only the labels of this data set ship." in texts(app)
    if key:
        assert not app.button(key=key).disabled


def test_what_is_kept_is_a_part_of_what_was_recorded(away, made):
    for key in away.list():
        assert away.verify(key) == []
        small, whole = away.load(key), made.store.load(key)
        records, all_records = small.records(), whole.records()
        assert len(records) == KEPT == small.manifest["kept_examples"]
        assert records.features.shape == (KEPT, 0)
        rows = np.searchsorted(all_records.example_ids, records.example_ids)
        assert np.array_equal(records.predictions, all_records.predictions[rows])
        assert small.metrics() == whole.metrics()
        for name in small.projections():
            assert set(small.table(name)["example_id"]) <= set(records.example_ids.tolist())


def test_labels_of_other_files_do_not_stand_in(away, made):
    config = made.config.data
    assert kept_labels.load(away, config) is not None
    assert kept_labels.load(away, DataConfig(name="digits", content="0" * 16)) is None


def test_without_kept_labels_the_missing_data_is_named(away):
    shutil.rmtree(away.root / "labels")
    app = opened("overview")
    assert "These digits are not here." in "".join(error.value for error in app.error)
