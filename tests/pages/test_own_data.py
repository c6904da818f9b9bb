"""Own images and texts through the Unlearn page: kept, chosen, used, and refused in one line."""

import pytest

from tests.core.test_uploads import letters, packed, pets
from tests.pages.test_unlearn import FakeQueue, empty_store, jobs_of, listed_once, open_page, texts
from unlearn_core.data import uploads
from unlearn_core.runs.store import Store

pytestmark = pytest.mark.page
__all__ = ["empty_store", "listed_once"]  # fixtures


@pytest.fixture(autouse=True)
def _fake_queue(monkeypatch, tmp_path):
    monkeypatch.setattr("unlearn_core.jobs.JobQueue", FakeQueue)
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path / "data"))


def give(at, files, name="pets.zip"):
    turn = at.session_state["own_data_round"]
    zipped = (name, packed(files).getvalue(), "application/zip")
    at.file_uploader(key=f"own_file_{turn}").set_value(zipped).run()
    at.button(key="keep_data").click().run()
    return at


def test_an_archive_is_kept_chosen_and_unlearned_from(empty_store):
    at = give(open_page(), pets(10))
    assert not at.error
    [upload] = uploads.kept()
    assert (
        "Kept: pets, 16 images for training and 4 for testing, in 2 classes (cats, dogs)"
        in texts(at)
    )
    assert at.selectbox(key="dataset").value == f"folder:{upload.content}"
    assert at.metric[0].value == "8"  # of the first class, "cats"
    at.button(key="launch").click().run()
    configs = [Store(empty_store).requested(job.key) for job in jobs_of(empty_store)]
    assert {config.data.content for config in configs} == {upload.content}
    assert {config.data.name for config in configs} == {"folder"}


def test_a_folder_is_as_good_as_an_archive(empty_store):
    at = open_page()
    files = [(f"pets/{name}", held, "image/png") for name, held in pets(10).items()]
    at.file_uploader(key="own_folder_0").set_value(files).run()
    assert at.text_input(key="own_name").value == "pets"
    at.button(key="keep_data").click().run()
    assert not at.error
    assert [upload.n_train for upload in uploads.kept()] == [16]


def test_what_is_wrong_with_an_archive_is_one_line_and_nothing_is_kept(empty_store):
    at = give(open_page(), pets(**{"cats/broken.png": b"no picture"}))
    [error] = at.error
    assert error.value == "train/cats/broken.png is not a readable image."
    assert uploads.kept() == []
    assert at.selectbox(key="dataset").value == "digits"


def test_a_table_of_texts_is_kept_chosen_and_unlearned_from(empty_store):
    at = open_page()
    table = ("mail.csv", letters().encode(), "text/csv")
    at.file_uploader(key="own_file_0").set_value(table).run()
    assert at.text_input(key="own_name").value == "mail"
    at.button(key="keep_data").click().run()
    assert not at.error
    assert "Kept: mail, 16 texts for training and 4 for testing, in 2 classes" in texts(at)
    [upload] = uploads.kept()
    assert at.selectbox(key="dataset").value == f"texts:{upload.content}"
    assert "Your own texts (mail)" in at.selectbox(key="dataset").options
    assert at.selectbox(key="model").value == "distilbert"
    assert not [box for box in at.selectbox if box.label == "Normalisation"]  # of pictures alone
    assert at.metric[0].value == "8"
    at.button(key="launch").click().run()
    configs = [Store(empty_store).requested(job.key) for job in jobs_of(empty_store)]
    assert {(c.data.name, c.data.content) for c in configs} == {("texts", upload.content)}


def test_images_of_one_name_are_told_apart(empty_store):
    at = give(give(open_page(), pets(10)), pets(12))
    labels = at.selectbox(key="dataset").options
    both = {f"Your own images (pets) [{upload.content[:6]}]" for upload in uploads.kept()}
    assert len(both) == 2
    assert both <= set(labels)


def test_the_choice_of_images_that_were_removed_is_the_first_data_set_again(empty_store):
    at = give(open_page(), pets(10))
    [upload] = uploads.kept()
    address = {"dataset": "Your own images (pets)"}
    assert open_page(**address).selectbox(key="dataset").value == f"folder:{upload.content}"
    uploads.remove(upload.content)
    at.run()
    assert not at.exception
    assert at.selectbox(key="dataset").value == "digits"
