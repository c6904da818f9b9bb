"""Own images, an own method and own weights through the page, in a real Chromium."""

import re

import pytest

from tests.browser.test_launch import PATIENCE, fill
from tests.browser.test_links import EXCEPTION, settled
from tests.core.test_plugins import METHOD
from tests.core.test_uploads import packed, pets
from unlearn_core.runs.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def give(page, key, files):
    page.locator(f"[class*='st-key-{key}'] input[type=file]").set_input_files(files)


def test_own_images_method_and_weights_are_given_and_unlearned_from(serve, page, tmp_path):
    root = tmp_path / "empty"
    page.goto(f"{serve(root)}/unlearn")
    launch = page.get_by_role("button", name="Launch")
    launch.wait_for(timeout=PATIENCE)

    page.get_by_text("Use your own images or texts").click()
    broken = packed(pets(**{"cats/broken.png": b"no picture"})).getvalue()
    as_zip = {"name": "pets.zip", "mimeType": "application/zip"}
    give(page, "own_file", {**as_zip, "buffer": broken})
    page.get_by_role("button", name="Check and keep it").click()
    page.get_by_text("train/cats/broken.png is not a readable image.").wait_for()
    page.reload()
    page.get_by_text("Use your own images or texts").click()
    give(page, "own_file", {**as_zip, "buffer": packed(pets(40)).getvalue()})
    page.get_by_role("button", name="Check and keep it").click()
    page.get_by_text("Kept: pets, 64 images for training and 16 for testing").wait_for()
    page.get_by_text("Training recipe and seeds").click()
    fill(page, "Epochs", "2")
    fill(page, "Width", "4")

    page.get_by_text("Add your own method").click()
    page.get_by_text("A method is a program").wait_for()
    source = {"name": "shrinking.py", "mimeType": "text/x-python", "buffer": METHOD.encode()}
    give(page, "own_method", source)
    page.get_by_text("I have read it and let it run on this machine").click()
    page.locator(".st-key-keep_method button").click()
    page.get_by_text("Kept: shrinking.py").wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="None").click()
    page.get_by_text("No method is chosen").wait_for()
    page.get_by_text(re.compile(r"^Shrink:")).first.click()
    page.get_by_text("4 runs to make.").wait_for()
    launch.click()
    page.get_by_text("All of these runs are finished.").wait_for(timeout=PATIENCE)

    [base] = [run for run in map(Store(root).load, Store(root).list()) if run.config.role == "base"]
    page.get_by_text("Use your own trained weights").click()
    give(page, "own_weights", base.folder / "model.safetensors")
    page.locator(".st-key-keep_weights button").click()
    page.get_by_text("4 runs to make.").wait_for(timeout=PATIENCE)
    launch.click()
    page.get_by_text("All of these runs are finished.").wait_for(timeout=PATIENCE)
    settled(page)
    page.get_by_role("button", name="See the metrics").click()
    page.get_by_role("heading", name="Metrics").wait_for()
    settled(page)
    assert page.locator(EXCEPTION).count() == 0
    title = page.locator(".st-key-comparison_title").inner_text()
    assert title.startswith(
        "Your own images (pets): forget class cats (resnet18, width 4, weights "
    )
    assert "Shrink" in page.locator("table").first.inner_text()

    page.get_by_role("link", name="Runs").click()
    page.get_by_text("What you brought").wait_for()
    settled(page)
    held = page.locator(".st-key-own_files canvas [role=gridcell]")
    assert {cell.inner_text() for cell in held.all()} >= {"pets", "shrinking.py"}


def test_a_folder_is_given_in_one_go_and_chosen(serve, page, tmp_path):
    for name, content in pets(10).items():
        file = tmp_path / "animals" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    page.goto(f"{serve(tmp_path / 'empty')}/unlearn")
    page.get_by_role("button", name="Launch").wait_for(timeout=PATIENCE)
    page.get_by_text("Use your own images or texts").click()
    give(page, "own_folder", tmp_path / "animals")
    page.get_by_role("button", name="Check and keep it").click()
    page.get_by_text("Kept: animals, 16 images for training and 4 for testing").wait_for()
    chosen = page.get_by_role("combobox", name="Data set")
    assert chosen.input_value() == "Your own images (animals)"
    assert "dataset=Your+own+images" in page.url
