import base64
import io

import numpy as np
import pytest
from PIL import Image

from unlearn_core.views.manifold.sprites import hovered, sheet, thumbnail


def decoded(url):
    kind, content = url.split(",", 1)
    return kind, np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_each_grey_image_lies_unchanged_in_its_tile():
    images = np.random.default_rng(0).integers(0, 256, (7, 1, 4, 6), dtype=np.uint8)
    tiles = sheet(images)
    kind, pixels = decoded(tiles.url)
    assert kind == "data:image/png;base64"
    assert (tiles.columns, tiles.rows, tiles.width, tiles.height) == (3, 3, 6, 4)
    for i, image in enumerate(images):
        top, left = i // 3 * 4, i % 3 * 6
        np.testing.assert_array_equal(pixels[top : top + 4, left : left + 6], image[0])


def test_large_colour_images_become_small_tiles():
    images = np.full((5, 3, 64, 32), 200, dtype=np.uint8)
    tiles = sheet(images)
    kind, pixels = decoded(tiles.url)
    assert kind == "data:image/jpeg;base64"
    assert (tiles.height, tiles.width) == (32, 16)
    assert abs(int(pixels[0, 0, 0]) - 200) <= 2


def test_a_sheet_refuses_what_is_not_a_batch_of_images():
    with pytest.raises(ValueError, match="n_examples, 1 or 3, H, W"):
        sheet(np.zeros((4, 8, 8), dtype=np.uint8))
    with pytest.raises(ValueError, match="n_examples"):
        sheet(np.zeros((0, 1, 8, 8), dtype=np.uint8))


def test_a_small_image_is_enlarged_without_blur():
    image = np.array([[[0, 255], [255, 0]]], dtype=np.uint8)
    _, pixels = decoded(thumbnail(image))
    assert pixels.shape == (48, 48)
    assert set(np.unique(pixels)) == {0, 255}


def test_a_photograph_keeps_its_colours():
    image = np.zeros((3, 64, 64), dtype=np.uint8)
    image[1] = 90
    _, pixels = decoded(thumbnail(image))
    assert pixels.shape == (64, 64, 3)
    assert pixels[0, 0].tolist() == [0, 90, 0]


def test_a_text_is_its_first_words_on_maps():
    [[words]] = hovered(("Where is my card? " * 40,))["texts"]
    assert words.startswith("Where is my card?")
    assert words.endswith("…")
    assert len(words) <= 200
    assert len(hovered(("x" * 500,))["texts"][0][0]) == 200


def test_the_word_of_the_request_is_a_piece_of_its_own_on_maps():
    late = "so " * 100 + "an ATM, they said"
    [early, around, none] = hovered(("The atm ate it", late, "A matmul"), "atm")["texts"]
    assert early == ["The ", "atm", " ate it"]
    assert around[0].startswith("…so so")
    assert around[1:] == ["ATM", ", they said"]
    assert none == ["A matmul"]


def test_pictures_are_hovered_as_a_sheet():
    assert hovered(np.zeros((3, 1, 4, 4), dtype=np.uint8))["columns"] == 2
