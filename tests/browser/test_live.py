"""The live curves of a run, in a real Chromium, at the size of a projector."""

import pytest

from unlearn_core.config import ForgetConfig
from unlearn_core.runs.plan import comparison_config
from unlearn_core.runs.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TOTAL = 60
CHART = "[data-testid=stVegaLiteChart]"
BOXES = f"""() => Array.from(document.querySelectorAll("{CHART} svg"), (svg) => {{
    const box = (name) => {{
        const found = svg.querySelector(name).getBoundingClientRect();
        return {{ left: found.left, right: found.right, top: found.top, bottom: found.bottom }};
    }};
    const whole = svg.getBoundingClientRect();
    return {{
        chart: {{ left: whole.left, right: whole.right, top: whole.top, bottom: whole.bottom }},
        title: box(".role-axis-title"), legend: box(".role-legend"),
        plot: box(".role-frame > g > path.background"),
    }};
}})"""
WATCH = f"""() => {{
    const charts = document.querySelectorAll("{CHART}");
    window.first = Array.from(charts);
    window.seen = [];
    const look = () => {{
        const now = Array.from(document.querySelectorAll("{CHART}"));
        let opacity = 1;
        for (let e = now[0]; e && e !== document.body; e = e.parentElement)
            opacity = Math.min(opacity, Number(getComputedStyle(e).opacity));
        window.seen.push({{
            opacity, drawn: now.filter((chart) => chart.querySelector("svg")).length,
            same: now.length === 2 && now.every((chart, i) => chart === window.first[i]),
        }});
    }};
    window.watch = setInterval(look, 40);
}}"""


class FakeRun:
    """A run in progress as pages see it: its files on disk, and its lock held."""

    def __init__(self, store):
        config = comparison_config("digits", ForgetConfig(kind="class", values=(3,)))
        self.lock = store.lock(config.key())
        self.lock.__enter__()
        self.writer = store.begin(config)
        self.writer.update(state="running", stage="unlearn", total=TOTAL)
        self.step = 0

    def steps(self, number):
        for _ in range(number):
            losses = {"objective": 3.0 / (self.step + 1), "alignment": 0.5, "recovery": 0.1}
            row = {f"loss/{name}": value for name, value in losses.items()}
            row |= {"probe/forget_accuracy": max(0.0, 1 - self.step / 5)}
            row |= {"probe/retain_accuracy": 1.0, "probe/dimensional_alignment": 0.8}
            self.writer.live({"step": self.step, **row})
            self.writer.update(step=self.step, losses=losses)
            self.step += 1


@pytest.fixture
def run(tmp_path):
    made = FakeRun(Store(tmp_path / "live"))
    made.steps(20)
    yield made
    made.lock.__exit__(None, None, None)


@pytest.fixture
def live(run, serve, page, tmp_path):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{serve(tmp_path / 'live')}/unlearn")
    page.wait_for_function(f"() => document.querySelectorAll('{CHART} svg').length === 2")
    page.wait_for_timeout(1000)
    return page


def overlap(a, b):
    across = min(a["right"], b["right"]) - max(a["left"], b["left"])
    return across > 0.5 and min(a["bottom"], b["bottom"]) - max(a["top"], b["top"]) > 0.5


def test_no_legend_lies_on_a_plot_and_nothing_is_cut_off(live):
    probes, losses = live.evaluate(BOXES)
    for legend in (probes["legend"], losses["legend"]):
        assert not overlap(legend, probes["plot"])
        assert not overlap(legend, losses["plot"])
    assert not overlap(probes["chart"], losses["chart"])
    for one in (probes, losses):
        assert one["plot"]["bottom"] - one["plot"]["top"] >= 110
        assert one["title"]["bottom"] <= one["chart"]["bottom"] + 1
        assert one["legend"]["right"] <= one["chart"]["right"] + 1
        assert one["plot"]["right"] <= one["chart"]["right"] + 1
    assert "Recovery" in live.locator(f"{CHART} svg").last.text_content()


def test_the_curves_grow_in_place_without_a_blink(live, run):
    live.evaluate(WATCH)
    before = live.locator(f"{CHART} svg").first.inner_html()
    for _ in range(6):
        run.steps(5)
        live.wait_for_timeout(1000)
    seen = live.evaluate("() => { clearInterval(window.watch); return window.seen; }")
    assert len(seen) > 50
    assert live.locator(f"{CHART} svg").first.inner_html() != before  # there was news to draw
    assert all(look["same"] for look in seen)
    assert {look["drawn"] for look in seen} == {2}
    # Streamlit begins to fade what it draws again slowly: to 0.33, which here is never reached
    assert min(look["opacity"] for look in seen) > 0.6


def test_an_idle_page_sees_what_another_server_does(serve, page, tmp_path):
    store = Store(tmp_path / "idle")
    page.goto(f"{serve(store.root)}/unlearn")
    page.get_by_text("Nothing is running").wait_for()
    config = comparison_config("digits", ForgetConfig(kind="class", values=(3,)))
    store.enqueue(config)  # and nobody touches the page
    page.get_by_text("queued, place 1").wait_for(timeout=15_000)
    store.mark(config.key(), "cancelled", "cancelled before it began")
    page.get_by_text("1 cancelled").wait_for(timeout=15_000)
    store.enqueue(config)
    page.get_by_text("queued, place 1").wait_for(timeout=15_000)
    store.delete(config.key())
    page.get_by_text("Nothing is running").wait_for(timeout=15_000)
