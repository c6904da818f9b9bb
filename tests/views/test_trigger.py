"""Pictures of a trigger: where it sits, what it changes, and the frames around it."""

from dataclasses import replace

import numpy as np
import pytest

from unlearn_core.data.poison import patch
from unlearn_core.views import trigger


@pytest.mark.parametrize("side", [8, 28, 32, 64, 224])
def test_a_close_up_holds_the_trigger_and_is_twice_as_wide(side):
    window, covered = trigger.window(side, side)[0], patch(side, side)[0]
    assert 0 <= window.start <= covered.start
    assert covered.stop <= window.stop <= side
    assert window.stop - window.start == 2 * (covered.stop - covered.start)


def test_the_picture_that_shows_the_trigger_best_is_the_one_it_changed_most(small_dataset):
    images = small_dataset.images.copy()
    images[4] ^= 1
    images[6] ^= 128
    changed = replace(small_dataset, images=images)
    assert trigger.clearest([3, 4, 6, 7], small_dataset, changed) == 6


def test_frames_are_where_the_trigger_is():
    shown = trigger.trigger_html(["a", "b", "c"], ["one", "<two>", "three"], 32, 32)
    whole, near = shown.split("<span ")[1:]
    assert "top: 81.2%; left: 81.2%; height: 12.5%; width: 12.5%" in whole
    assert "top: 25.0%; left: 25.0%; height: 50.0%; width: 50.0%" in near
    assert "&lt;two&gt;" in shown


def test_images_get_the_trigger_of_the_poisoned_data(small_dataset):
    data = replace(small_dataset, poisoned=np.zeros(len(small_dataset.labels), dtype=bool))
    marked = trigger.triggered_images(data, [0, 1])
    rows, columns = patch(8, 8)
    changed = marked != data.images[:2]
    changed[..., rows, columns] = False
    assert not changed.any()
