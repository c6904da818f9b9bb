import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from unlearn_core.checks import InputError
from unlearn_core.config import DataConfig
from unlearn_core.data import load_dataset
from unlearn_core.runs.own_picture import Answer
from unlearn_core.views import own_picture

DIGITS = load_dataset(DataConfig())


def png(picture, **options):
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", **options)
    return buffer.getvalue()


def enlarged(example, factor=30, border=0):
    """A digit of the data set as a large picture, somewhere on a black ground."""
    image = Image.fromarray(DIGITS.images[example, 0])
    large = image.resize((8 * factor, 8 * factor), Image.Resampling.NEAREST)
    ground = Image.new("L", (8 * factor + border, 8 * factor + border), 0)
    ground.paste(large, (border // 3, border // 2))
    return ground


@pytest.mark.parametrize("border", [0, 200])
@pytest.mark.parametrize("is_on_white", [False, True])
def test_a_digit_is_found_again_wherever_and_on_whatever_ground_it_stands(border, is_on_white):
    for example in (3, 319, 1086):
        picture = enlarged(example, border=border)
        if is_on_white:
            picture = picture.point(lambda value: 255 - value)
        seen = own_picture.fitted(png(picture), "my.png", DIGITS)
        assert (seen.shape, seen.dtype) == ((1, 8, 8), np.uint8)
        near = np.abs(DIGITS.images.astype(float) - seen).mean(axis=(1, 2, 3)).argsort()
        assert example in near[:10]


def test_a_stroke_with_an_alpha_channel_is_taken_for_a_drawing_on_white():
    picture = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    ImageDraw.Draw(picture).line([(150, 20), (150, 280)], fill=(0, 0, 0, 255), width=40)
    seen = own_picture.fitted(png(picture), "my.png", DIGITS)[0]
    assert seen[:, 3:5].max() == 255  # bright, in the middle, and as high as a digit is
    assert (seen.max(axis=1) > 0).all()
    assert seen[:, 0].max() == 0


def test_a_photograph_that_a_camera_turned_stands_upright():
    lying = enlarged(3, border=100).transpose(Image.Transpose.ROTATE_90)
    turned = Image.Exif()
    turned[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    seen = own_picture.fitted(png(lying.crop((0, 0, 340, 300)), exif=turned), "my.png", DIGITS)
    near = np.abs(DIGITS.images.astype(float) - seen).mean(axis=(1, 2, 3)).argsort()
    assert 3 in near[:10]


def test_a_photograph_keeps_its_middle_and_its_colours():
    colours = replace(DIGITS, images=np.zeros((4, 3, 16, 16), np.uint8))
    assert not own_picture.can_be_drawn(colours)
    assert own_picture.can_be_drawn(DIGITS)
    wide = Image.new("RGB", (90, 30), "red")
    wide.paste("blue", (30, 0, 60, 30))
    seen = own_picture.fitted(png(wide), "wide.png", colours)
    assert seen.shape == (3, 16, 16)
    np.testing.assert_array_equal(seen[:, 8, 8], [0, 0, 255])


@pytest.mark.parametrize("content", [b"", b"not a picture", png(enlarged(3))[:100]])
def test_what_is_no_picture_is_named_in_one_line(content):
    with pytest.raises(InputError, match=r"^my\.png is not a readable image\.$"):
        own_picture.fitted(content, "my.png", DIGITS)


def test_a_picture_that_is_too_large_is_named_with_its_size(monkeypatch):
    monkeypatch.setattr(own_picture, "MOST_PIXELS", 1000)
    with pytest.raises(
        InputError, match=r"^my\.png has 240 x 240 pixels; at most 1,000 are read\.$"
    ):
        own_picture.fitted(png(enlarged(3)), "my.png", DIGITS)


def test_a_picture_of_one_colour_shows_nothing():
    with pytest.raises(InputError, match=r"There is nothing on my\.png"):
        own_picture.fitted(png(Image.new("L", (50, 50), 200)), "my.png", DIGITS)


def test_the_canvas_file_is_what_was_drawn():
    content = png(enlarged(3))
    url = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    assert own_picture.from_canvas(url) == content


def test_answers_are_told_with_how_sure_each_model_is():
    features = np.zeros(2)
    answers = {
        "Original": Answer(probabilities=np.array([0.1, 0.9]), features=features),
        "Retrained": Answer(probabilities=np.array([0.6, 0.4]), features=features),
    }
    told = own_picture.answer_text(answers, ("cat", "dog"))
    assert told == "Original **dog** (90%), Retrained **cat** (60%)."
    unsure = Answer(probabilities=np.array([0.4, 0.3, 0.3]), features=features)
    told = own_picture.answer_text({"RFA": unsure}, ("cat", "dog", "cow"))
    assert told == "RFA hardly knows, at most cat (40%)."
    table = own_picture.probability_rows(answers, ("cat", "dog"))
    assert table.loc["Retrained", "cat"] == 0.6


def test_forgotten_pictures_near_to_the_retrained_model_are_explained():
    is_forget = np.array([True, False, True])
    told = own_picture.resembles_text("retrain", [0, 1, 2], is_forget)
    assert told.startswith("2 of 3 are to be forgotten. It was never trained on them")
    assert not own_picture.resembles_text("retrain", [1], is_forget)
    assert not own_picture.resembles_text("rfa", [0, 1, 2], is_forget)
