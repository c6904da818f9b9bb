"""The maps in a real Chromium, on a comparison that is not the default: mouse, keys and WebGL."""

import math
from urllib.parse import urlencode

import pytest

pytestmark = pytest.mark.browser

OTHER = "Handwritten digits: forget 64 random examples (resnet18, width 8)"
MAP = "document.querySelector('.feature-map').featureMap"
PLACES = """panel => {
    const map = document.querySelector(".feature-map").featureMap;
    const stage = map.stage.getBoundingClientRect();
    const { left, top, width, height } = map.boxes[panel];
    const pixels = map.pixels(panel);
    return Array.from(map.ids, (id, i) => ({
        id, label: map.labels[i], isForget: map.isForget(i),
        x: stage.left + left + pixels[2 * i], y: stage.top + top + pixels[2 * i + 1],
    }));
}"""
SELECTED = """() => {
    const map = document.querySelector(".feature-map")?.featureMap;
    return map?.data ? map.chosen.sorted() : [];
}"""
CAMERA = f"() => {{ const c = {MAP}.cameras[0]; return [c.x, c.y, c.zoom, c.yaw, c.pitch]; }}"


def wait_for_map(page):
    page.wait_for_selector(".feature-map[data-drawn]")
    page.locator(".map-stage").scroll_into_view_if_needed()
    page.wait_for_timeout(500)


def open_maps(page, url, **choices):
    page.goto(f"{url}/manifolds?{urlencode({'comparison': OTHER, **choices})}")
    wait_for_map(page)


def lasso(page, x, y, radius, key=None):
    if key:
        page.keyboard.down(key)
    page.mouse.move(x + radius, y)
    page.mouse.down()
    for degrees in range(0, 361, 20):
        angle = math.radians(degrees)
        page.mouse.move(x + radius * math.cos(angle), y + radius * math.sin(angle), steps=2)
    page.mouse.up()
    if key:
        page.keyboard.up(key)


def middle_of_forget_set(page, panel):
    places = [p for p in page.evaluate(PLACES, panel) if p["isForget"]]
    middle = sorted(places, key=lambda p: p["x"])[len(places) // 2]
    return middle["x"], middle["y"]


def inside(page, panel, x, y, radius):
    """Return the ids of the points whose middles lie well inside a loop, and well outside."""
    places = page.evaluate(PLACES, panel)
    distances = {p["id"]: math.hypot(p["x"] - x, p["y"] - y) for p in places}
    well_in = {i for i, distance in distances.items() if distance < 0.9 * radius}
    return well_in, {i for i, distance in distances.items() if distance > 1.1 * radius}


def selected(page):
    return set(page.evaluate(SELECTED))


def wait_for_selected(page, count):
    page.wait_for_function(f"() => ({SELECTED})().length === {count}")


def far_from(page, panel, x, y, least):
    """Return the place of a point that lies at least so many pixels away."""
    places = page.evaluate(PLACES, panel)
    return next((p["x"], p["y"]) for p in places if math.hypot(p["x"] - x, p["y"] - y) > least)


def test_loops_select_add_take_away_and_undo_and_what_is_left_is_forgotten(page, app_url):
    from playwright.sync_api import expect  # which is there where `page` is

    open_maps(page, app_url)
    x, y = middle_of_forget_set(page, 0)
    lasso(page, x, y, 30)
    page.wait_for_function(f"() => ({SELECTED})().length > 0")
    first = selected(page)
    well_in, well_out = inside(page, 0, x, y, 30)
    assert well_in <= first
    assert not first & well_out
    page.get_by_text(f"{len(first)} selected:").wait_for()

    other = far_from(page, 0, x, y, 70)
    lasso(page, *other, 25, key="Shift")
    page.wait_for_function(f"() => ({SELECTED})().length > {len(first)}")
    both = selected(page)
    assert first < both
    page.get_by_text(f"{len(both)} selected:").wait_for()

    lasso(page, x, y, 15, key="Alt")
    page.wait_for_function(f"() => ({SELECTED})().length < {len(both)}")
    assert selected(page) < both
    page.keyboard.press("Control+z")
    wait_for_selected(page, len(both))
    page.get_by_role("button", name="Undo").click()
    wait_for_selected(page, len(first))
    assert selected(page) == first
    page.get_by_text(f"{len(first)} selected:").wait_for()  # the server's answer has come

    page.locator(".map-stage").focus()
    page.keyboard.press("Escape")
    wait_for_selected(page, 0)
    page.get_by_role("button", name="Undo").click()
    wait_for_selected(page, len(first))
    page.get_by_text(f"{len(first)} selected:").wait_for()
    page.get_by_test_id("stDataFrame").first.wait_for()
    forget = page.get_by_role("button", name="Forget exactly these")
    expect(forget).to_have_count(1)  # those of before and of now both stand there for a moment
    forget.click()
    page.get_by_role("heading", name="Unlearn").first.wait_for()
    page.wait_for_selector(".feature-map", state="detached")
    page.get_by_role("link", name="Manifolds").click()
    page.wait_for_selector(".feature-map[data-drawn]")
    wait_for_selected(page, len(first))
    page.get_by_role("button", name="Clear selection").click()
    wait_for_selected(page, 0)


def test_a_selection_that_comes_back_quickly_many_times_reaches_the_page(page, app_url):
    open_maps(page, app_url)
    several = [list(range(20 + n)) for n in range(3)]
    for turn in range(90):
        ids = several[turn % 3]
        page.evaluate(f"(ids) => {MAP}.choose('replace', ids)", ids)
        page.wait_for_timeout(25 * (turn % 11))
    page.get_by_text("22 selected:").wait_for()
    assert page.get_by_role("dialog").count() == 0


def test_a_click_pins_a_point_and_marks_its_neighbours_in_every_map(page, app_url):
    open_maps(page, app_url)
    x, y = middle_of_forget_set(page, 1)
    page.mouse.click(x, y)
    page.wait_for_function(f"() => {MAP}.pinned !== null")
    page.wait_for_function(f"() => {MAP}.panels.every((_, i) => {MAP}.neighbours(i).length === 15)")
    page.get_by_text("is pinned. Its neighbours:").wait_for()
    pinned = page.evaluate(f"() => {MAP}.ids[{MAP}.pinned]")
    near = page.evaluate(f"() => {MAP}.neighbours(0).map((i) => {MAP}.ids[i])")
    assert pinned not in near
    page.mouse.click(
        *page.evaluate(f"""() => {{
        const box = {MAP}.boxes[1]; const stage = {MAP}.stage.getBoundingClientRect();
        return [stage.left + box.left + 3, stage.top + box.top + 3]; }}""")
    )
    page.wait_for_function(f"() => {MAP}.pinned === null")
    page.get_by_text("is pinned. Its neighbours:").wait_for(state="detached")


def test_hovering_tells_every_models_answer_and_hides_nothing_near_the_point(page, app_url):
    open_maps(page, app_url)
    x, y = middle_of_forget_set(page, 1)
    page.mouse.move(x - 40, y - 40)
    page.mouse.move(x, y, steps=8)
    card = page.locator(".map-card")
    card.wait_for(state="visible")
    assert "class" in card.inner_text()
    answers = page.locator(".feature-map .map-answer").all_inner_texts()
    assert len(answers) >= 3
    shown = page.locator(".map-card b").first.inner_text()  # such as "id 17"
    assert all(text.startswith(f"{shown}: answers") and "%" in text for text in answers)
    assert all(text.endswith("label") for text in answers)  # its own, or another
    box = card.bounding_box()
    across = max(box["x"] - x, x - box["x"] - box["width"])
    up = max(box["y"] - y, y - box["y"] - box["height"])
    assert max(across, up) > 20
    page.wait_for_function(
        "() => document.querySelector('.map-picture')"
        "?.style.backgroundImage.includes('data:image/png')"
    )


def test_the_search_pins_an_id_selects_a_class_and_says_what_is_not_there(page, app_url):
    open_maps(page, app_url)
    field = page.get_by_label("Find an example by id")
    field.fill("id 17")
    field.press("Enter")
    page.wait_for_function(f"() => {MAP}.ids[{MAP}.pinned] === 17")
    page.get_by_label("Find an example by id").press("Enter")  # what is pinned stays so
    field = page.get_by_label("Find an example by id")
    field.fill("class 3")
    field.press("Enter")
    page.wait_for_function(f"() => ({SELECTED})().length > 100")
    assert page.evaluate(f"() => {MAP}.ids[{MAP}.pinned]") == 17
    labels = page.evaluate(f"""() => [...new Set(Array.from({MAP}.labels)
        .filter((_, i) => {MAP}.chosen.ids.has({MAP}.ids[i])))]""")
    assert labels == [3]
    for text, answer in [
        ("999999", "Not on these maps"),
        ("class no", "No class is called"),
        ("id no", "An id is a whole number"),
    ]:
        field = page.get_by_label("Find an example by id")
        field.fill(text)
        field.press("Enter")
        page.get_by_text(answer).wait_for()
        if text == "999999":  # what was pinned is not what was sought
            page.wait_for_function(f"() => {MAP}.pinned === null")


def test_a_class_of_the_legend_is_shown_alone_with_its_count(page, app_url):
    open_maps(page, app_url)
    page.get_by_role("button", name="Class 4:").click()
    n_shown, n_all = page.locator(".map-count").inner_text().split(" of ")
    assert 0 < int(n_shown) < int(n_all.replace(",", ""))
    lit = page.evaluate(f"""() => [...new Set(Array.from({MAP}.labels)
        .filter((_, i) => {MAP}.isLit(0, i)))]""")
    assert lit == [4]
    page.get_by_role("button", name="Show all").click()
    assert page.evaluate(f"() => {MAP}.alone.size") == 0


def test_points_are_reached_selected_and_pinned_with_keys_alone(page, app_url):
    open_maps(page, app_url)
    page.locator(".map-stage").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    wait_for_selected(page, 1)
    [one] = selected(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    wait_for_selected(page, 2)
    assert one in selected(page)
    assert "answers" in page.locator(".map-live").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => {MAP}.pinned !== null")
    page.keyboard.press("PageDown")
    assert page.evaluate(f"() => {MAP}.panel") == 1
    page.keyboard.press("+")
    assert page.evaluate(CAMERA)[2] > 1


def test_zoom_is_linked_and_survives_another_highlight(page, app_url):
    open_maps(page, app_url)
    page.get_by_role("button", name="Zoom", exact=True).click()
    x, y = middle_of_forget_set(page, 0)
    page.mouse.move(x - 40, y - 40)
    page.mouse.down()
    page.mouse.move(x + 40, y + 40, steps=8)
    page.mouse.up()
    zoomed = page.evaluate(CAMERA)
    assert zoomed[2] > 2
    assert page.evaluate(f"() => {MAP}.cameras.every((c) => c === {MAP}.cameras[0])")
    drawn = page.locator(".feature-map").get_attribute("data-drawn")
    box = page.locator(".st-key-highlight input")
    box.click()
    page.get_by_role("option", name="Still recognised").click()
    page.wait_for_function(
        f"() => document.querySelector('.feature-map').dataset.drawn !== '{drawn}'"
    )
    assert page.evaluate(CAMERA) == pytest.approx(zoomed)
    page.locator(".map-stage").dblclick(position={"x": 8, "y": 60})
    assert page.evaluate(CAMERA)[2] == 1


def test_points_travel_from_one_map_to_the_other_and_back(page, app_url):
    open_maps(page, app_url, view="Two, with the way", map_to="Retrained")
    before = page.evaluate(PLACES, 0)
    page.get_by_role("button", name="Play there and back").click()
    page.wait_for_function(f"() => {MAP}.way === 1")
    there, second = page.evaluate(PLACES, 0), page.evaluate(PLACES, 1)
    shift = page.evaluate(f"() => {MAP}.boxes[1].left - {MAP}.boxes[0].left")
    assert all(abs(a["x"] + shift - b["x"]) < 0.01 for a, b in zip(there, second, strict=True))
    assert page.evaluate(f"() => {MAP}.journey.trail.some(Boolean)")
    page.wait_for_function(f"() => {MAP}.way === 0")
    assert page.evaluate(PLACES, 0) == before


def test_a_map_with_depth_turns_and_a_loop_selects_on_it(page, app_url):
    open_maps(page, app_url, layout="3-D, linear")
    page.get_by_role("button", name="Turn", exact=True).click()
    x, y = middle_of_forget_set(page, 0)
    before = page.evaluate(CAMERA)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 20, steps=6)
    page.mouse.up()
    after = page.evaluate(CAMERA)
    assert after[3] > before[3]
    assert after[4] > before[4]
    page.get_by_role("button", name="Lasso").click()
    lasso(page, *middle_of_forget_set(page, 0), 25)
    page.wait_for_function(f"() => ({SELECTED})().length > 0")


def test_a_named_selection_is_there_after_a_reload_and_in_another_tab(page, app_url):
    open_maps(page, app_url)
    lasso(page, *middle_of_forget_set(page, 0), 30)
    page.wait_for_function(f"() => ({SELECTED})().length > 0")
    ids = selected(page)
    name = page.get_by_label("Name for what is selected")
    name.fill("near the first")
    name.press("Enter")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_function("() => location.search.includes('selection=near')")
    page.reload()
    wait_for_map(page)
    wait_for_selected(page, len(ids))
    assert selected(page) == ids
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector(".feature-map[data-drawn]")
    assert selected(other) == ids
    field = page.get_by_label("Find an example by id")
    field.fill("class 5")
    field.press("Enter")
    page.wait_for_function("() => !location.search.includes('selection=')")


def test_contours_outline_classes_and_the_picture_is_saved(page, app_url):
    open_maps(page, app_url)
    page.get_by_role("button", name="Contours").click()
    assert page.evaluate(f"() => {MAP}.outlines(0).length") > 5
    with page.expect_download() as saved:
        page.get_by_role("button", name="Picture").click()
    assert saved.value.suggested_filename == "maps.png"


def test_zooming_sends_no_points_again(page, app_url):
    """However many points there are, a zoom only moves the camera: nothing is uploaded."""
    open_maps(page, app_url)
    page.evaluate(f"""() => {{
        const gl = {MAP}.cloud.gl;
        const [upload, draw] = [gl.bufferData.bind(gl), gl.drawElements.bind(gl)];
        globalThis.counted = {{ uploads: 0, draws: 0 }};
        gl.bufferData = (...args) => {{ counted.uploads += 1; upload(...args); }};
        gl.drawElements = (...args) => {{ counted.draws += 1; draw(...args); }};
    }}""")
    n_maps = page.evaluate(f"() => {MAP}.panels.length")
    x, y = middle_of_forget_set(page, 0)
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    for _ in range(4):
        page.mouse.wheel(0, -100)
        page.wait_for_timeout(60)
    page.keyboard.up("Control")
    page.wait_for_function(f"() => {MAP}.cameras[0].zoom > 2")
    counted = page.evaluate("() => counted")
    assert counted["uploads"] == 0
    assert counted["draws"] >= 2 * n_maps


def test_of_many_points_a_part_is_drawn_while_they_move_and_all_at_rest(page, app_url):
    open_maps(page, app_url)
    counts = f"() => {MAP}.cloud.panels.map((panel) => panel.counts)"
    page.evaluate(f"""() => {{
        const paint = {MAP}.cloud.paint.bind({MAP}.cloud);
        {MAP}.cloud.paint = (i, colour, form, all, part) => {{
            const few = all.filter((position) => position % 10 === 0);
            paint(i, colour, form, all, few);
        }};
        {MAP}.restyle();
        const gl = {MAP}.cloud.gl;
        const draw = gl.drawElements.bind(gl);
        globalThis.drawn = [];
        gl.drawElements = (mode, count, ...rest) => {{
            drawn.push(count);
            draw(mode, count, ...rest);
        }};
        {MAP}.redraw();
    }}""")
    page.wait_for_timeout(400)
    (full, few), *_ = page.evaluate(counts)
    assert few < full / 5
    page.evaluate(f"() => {{ drawn.length = 0; {MAP}.cameras[0].zoom = 2; {MAP}.redraw(); }}")
    page.wait_for_function(f"() => drawn.includes({few})")
    page.wait_for_function(f"() => drawn.at(-1) === {MAP}.cloud.panels.at(-1).counts[0]")


def test_methods_play_their_steps_side_by_side_and_pause(page, app_url):
    open_maps(page, app_url)
    steps = "document.querySelector('.map-steps').steps"
    page.locator(".map-steps[data-drawn] .map-bar").scroll_into_view_if_needed()
    assert page.evaluate(f"() => {steps}.panels.length") == 3
    page.get_by_role("button", name="▶ Play", exact=True).click()
    page.wait_for_function(f"() => {steps}.at > 0.1")
    page.get_by_role("button", name="Pause").click()
    at = page.evaluate(f"() => {steps}.at")
    page.wait_for_timeout(300)
    assert page.evaluate(f"() => {steps}.at") == at
    words = page.locator(".map-course .map-answer").all_inner_texts()
    assert all(text.startswith("step ") and "DA" in text for text in words)
    page.get_by_label("Share of every method's steps").fill("1")
    ends = page.evaluate(f"() => {steps}.panels.map((p) => [p.frame, p.frames.length])")
    assert all(frame == count - 2 for frame, count in ends)


def test_the_maps_fill_the_screen_and_come_back(page, app_url):
    open_maps(page, app_url)
    page.get_by_role("button", name="Full screen", exact=True).click()
    page.wait_for_function(f"() => {MAP}.isFull()")
    page.wait_for_function(
        f"() => {MAP}.root.scrollHeight <= innerHeight && {MAP}.root.scrollWidth <= innerWidth"
    )  # all maps at once
    page.get_by_role("button", name="Leave full screen").click()
    page.wait_for_function(f"() => !{MAP}.isFull()")
    page.get_by_role("button", name="Full screen", exact=True).wait_for()
