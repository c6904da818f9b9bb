"""What a person brought, on the page Runs: listed with its runs, and removed when confirmed."""

import pytest

from tests.core.test_uploads import kept, packed, pets
from tests.pages.reading import opened, texts
from unlearn_core.data import uploads
from unlearn_core.runs import given_weights, own_methods

pytestmark = pytest.mark.page
__all__ = ["packed"]


def tick(app, row):
    app.session_state["own_files"] = {"selection": {"rows": [row], "columns": []}}
    return app.run()


def test_an_empty_store_says_where_own_things_come_from(empty_store):
    assert "Images, trained weights and methods" in texts(opened("runs"))


def test_own_things_are_listed_and_removed_one_by_one(own, tmp_path, comparison):
    upload = kept(pets())
    weights = tmp_path / "mine.pt"
    weights.write_bytes(b"weights")
    content = given_weights.keep(own.root, weights)
    place = own.root / "plugins"
    place.mkdir()
    (place / "mine.py").write_text('@register_method("neggrad", S)\n')
    app = opened("runs")
    table = next(each.value for each in app.dataframe if "Kind" in each.value)
    assert set(table["Kind"]) == {"images", "weights", "method"}
    rows = table.set_index("Kind")
    assert rows.loc["images", "Name"] == "pets"
    assert rows.loc["images", "Holds"] == "10 images of cats, dogs"
    assert rows.loc["weights", "Name"] == content
    assert rows.loc["method", "Runs made of it"] == 1  # the tiny comparison's NegGrad

    for kind, words in (
        ("method", "they cannot be made again"),
        ("images", "No run was made of it"),
        ("weights", "No run was made of it"),
    ):
        table = next(each.value for each in app.dataframe if "Kind" in each.value)
        tick(app, table["Kind"].tolist().index(kind))
        assert words in texts(app)
        app.button(key="remove_own_file").click().run()
        assert not app.exception
        app.session_state["own_files"] = {"selection": {"rows": [], "columns": []}}
        app.run()
    assert uploads.find(upload.content) is None
    assert given_weights.all_kept(own.root) == []
    assert own_methods.all_kept() == []


def test_what_a_queued_job_needs_stays(own, tiny):
    from dataclasses import replace

    from unlearn_core.runs import own_files

    upload = kept(pets())
    waiting = replace(tiny, data=replace(tiny.data, name="folder", content=upload.content))
    own.enqueue(waiting)
    [file] = own_files.own_files(own)
    with pytest.raises(ValueError, match=f"need pets, such as {waiting.key()}. Stop them first"):
        own_files.remove(own, file)
    assert uploads.find(upload.content) is not None
