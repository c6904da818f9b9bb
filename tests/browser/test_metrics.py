"""The table of metrics in Chromium, on a comparison that is not the default."""

from urllib.parse import urlencode

import pytest

from tests.browser.test_links import settled
from unlearn_core.views.wording import comparison_title

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GROUND = "(e) => getComputedStyle(e).backgroundColor"
SHADE = "(e) => getComputedStyle(e).maskImage"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_names_and_headings_stay_and_a_fading_edge_tells_of_more(two_url, page, comparison, scheme):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(color_scheme=scheme)
    chosen = [("metric_groups", name) for name in ("Accuracy", "Features", "Cost", "Membership")]
    chosen.append(("comparison", comparison_title(comparison.config)))
    page.goto(f"{two_url}/metrics?{urlencode(chosen)}")
    settled(page)
    box = page.locator(".mu-scroll")
    assert box.evaluate("(e) => e.scrollWidth > e.clientWidth + 100")  # there is more
    assert "gradient" in box.evaluate(SHADE)
    name = page.locator(".mu-table tbody th").first
    heading = page.locator(".mu-table thead th.mu-left")
    left, top = name.bounding_box()["x"], heading.bounding_box()["y"]
    box.evaluate("(e) => e.scrollTo(e.scrollWidth, 60)")
    page.wait_for_timeout(300)
    assert name.bounding_box()["x"] == pytest.approx(left, abs=2)
    assert heading.bounding_box()["y"] == pytest.approx(top, abs=2)
    assert "gradient" not in box.evaluate(SHADE)  # the end
    ground = page.locator("[data-testid=stApp]").evaluate(GROUND)
    assert name.evaluate(GROUND) == ground  # what scrolls below is covered
