"""An own method through the Unlearn page: code, so on one's own machine alone; checked, kept."""

import pytest

from pages.components import own_method
from tests.core.test_plugins import METHOD
from tests.pages.test_unlearn import FakeQueue, empty_store, jobs_of, listed_once, open_page, texts
from unlearn_core import plugins
from unlearn_core.runs import own_methods
from unlearn_core.runs.store import Store

pytestmark = pytest.mark.page
__all__ = ["empty_store", "listed_once"]  # fixtures


@pytest.fixture(autouse=True)
def _fake_queue(monkeypatch):
    monkeypatch.setattr("unlearn_core.jobs.JobQueue", FakeQueue)


@pytest.fixture(autouse=True)
def browser(monkeypatch):
    """Stand for the browser: its address, None on this machine, and what its requests carry."""
    told = {"ip_address": None, "headers": {}}
    for name in told:
        getter = property(lambda _self, name=name: told[name])
        monkeypatch.setattr(f"streamlit.runtime.context.ContextProxy.{name}", getter)
    return told


def give(at, content, name="shrinking.py"):
    turn = at.session_state["own_method_round"]
    uploader = at.file_uploader(key=f"own_method_{turn}")
    uploader.set_value((name, content.encode(), "text/x-python")).run()
    assert at.button(key="keep_method").disabled
    at.checkbox(key=f"trust_method_{turn}").check().run()
    at.button(key="keep_method").click().run()
    assert not at.exception
    return at


def test_a_method_is_checked_kept_and_launched(empty_store):
    at = open_page()
    assert "A method is a program" in "\n".join(each.value for each in at.warning)
    give(at, METHOD)
    assert not at.error
    assert [kept.methods for kept in own_methods.all_kept()] == [("shrink",)]
    assert "Kept: shrinking.py" in texts(at)
    at.button(key="switch_False").click().run()
    at.checkbox(key="use_shrink").check().run()
    at.button(key="launch").click().run()
    methods = [job.method for job in jobs_of(empty_store)]
    assert methods == ["original", "retrain", "original", "shrink"]
    assert Store(empty_store).requested(jobs_of(empty_store)[-1].key).settings == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("def shrink(", "def shrink)("), "SyntaxError"),
        (
            lambda text: "import (\n" + text.replace("@register_method", "@x"),
            "line 1, must be Python",
        ),
        (lambda text: text.replace("step=1, total=1", "step=1, total=7"), "shrink: "),
        (lambda text: text.replace('"shrink", Shrink', '"rfa", Shrink'), "'rfa'"),
        (
            lambda text: text.replace("@register_method", "@something"),
            "register methods and nothing",
        ),
        (lambda text: f"raise SystemExit(3)\n{text}", "ended the check"),
    ],
    ids=["syntax", "line", "contract", "taken", "nothing", "exit"],
)
def test_a_method_that_fails_is_named_line_by_line_and_not_kept(empty_store, change, words):
    at = give(open_page(), change(METHOD))
    lines = [error.value for error in at.error]
    assert any(words in line for line in lines)
    assert not any("\n" in line or "/tmp" in line for line in lines)
    assert own_methods.all_kept() == []


@pytest.mark.parametrize("name", ["my-method.py", "../evil.py", "method.txt.py"])
def test_a_name_that_is_no_module_is_refused(empty_store, name):
    at = give(open_page(), METHOD, name=name)
    assert any("must be called like my_method.py" in error.value for error in at.error)
    assert not plugins.added_folder().exists()


def refuses(at):
    assert any("bound to your own machine" in info.value for info in at.info)
    return not [box for box in at.file_uploader if (box.key or "").startswith("own_method")]


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "192.168.0.7"])
def test_a_server_that_others_reach_takes_no_method(empty_store, monkeypatch, address):
    usual = own_method.st.get_option
    monkeypatch.setattr(
        "pages.components.own_method.st.get_option",
        lambda name: address if name == "server.address" else usual(name),
    )
    assert refuses(open_page())


@pytest.mark.parametrize(
    "told",
    [{"ip_address": "192.168.0.9"}, {"headers": {"X-Forwarded-For": "192.168.0.9"}}],
    ids=["elsewhere", "passed on"],
)
def test_a_browser_on_another_machine_gives_no_method(empty_store, browser, told):
    browser.update(told)
    assert refuses(open_page())
