"""Own weights through the Unlearn page: checked by name and shape, kept, chosen and removed."""

import pytest
import torch
from safetensors.torch import save

from tests.pages.test_unlearn import FakeQueue, empty_store, jobs_of, listed_once, open_page, texts
from unlearn_core.runs import given_weights
from unlearn_core.runs.store import Store

pytestmark = pytest.mark.page
__all__ = ["empty_store", "listed_once"]  # fixtures


@pytest.fixture(autouse=True)
def _fake_queue(monkeypatch):
    monkeypatch.setattr("unlearn_core.jobs.JobQueue", FakeQueue)


@pytest.fixture
def weights(comparison):
    return comparison.runs["base"].weights()


def give(at, content, name="mine.safetensors"):
    at.number_input(key="width_digits").set_value(4).run()
    turn = at.session_state["own_weights_round"]
    uploader = at.file_uploader(key=f"own_weights_{turn}")
    uploader.set_value((name, content, "application/octet-stream")).run()
    at.button(key="keep_weights").click().run()
    assert not at.exception
    return at


def test_weights_that_fit_become_the_original_of_what_is_launched(empty_store, weights):
    at = give(open_page(), save(weights))
    assert not at.error
    [kept] = given_weights.all_kept(empty_store)
    assert kept.name == "mine.safetensors"
    assert at.selectbox(key="weights").value == kept.content
    at.button(key="launch").click().run()
    configs = [Store(empty_store).requested(job.key) for job in jobs_of(empty_store)]
    assert {config.model.weights for config in configs} == {kept.content}

    at.number_input(key="width_digits").set_value(8).run()
    [error] = at.error
    assert "bn1.bias is (4,), in the network (8,)" in error.value
    assert not [button for button in at.button if button.key == "launch"]

    at.number_input(key="width_digits").set_value(4).run()
    assert not at.error
    given_weights.remove(empty_store, kept.content)
    at.run()
    assert at.selectbox(key="weights").value == ""
    assert not at.error


def test_what_does_not_fit_is_named_with_its_shapes_and_not_kept(empty_store, weights):
    weights["head.weight"] = weights.pop("fc.weight")
    at = give(open_page(), save(weights))
    [error] = at.error
    assert error.value.startswith("The weights mine.safetensors must fit the network: fc.weight")
    assert "head.weight of shape (10, 32) is not in the network" in error.value
    assert given_weights.all_kept(empty_store) == []


def test_a_file_that_would_run_code_does_not(empty_store, tmp_path):
    from tests.core.test_given_weights import Evil

    file, trace = tmp_path / "evil.pt", tmp_path / "was_here"
    torch.save({"fc.weight": Evil(trace)}, file)
    at = give(open_page(), file.read_bytes(), name="../evil.pt")
    [error] = at.error
    assert "must hold a state dict that torch reads with weights_only=True" in error.value
    assert not trace.exists()
    assert "trained here" in at.selectbox(key="weights").options
    assert "runs no code" in texts(at)
