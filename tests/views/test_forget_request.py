import pytest

from unlearn_core.config import DataConfig, ForgetConfig, RunConfig
from unlearn_core.data.splits import split
from unlearn_core.views import forget_request


@pytest.mark.parametrize("text", ["3;x", "1.5", "-1"])
def test_ids_that_are_not_whole_numbers_are_refused(text):
    with pytest.raises(ValueError, match="whole numbers"):
        forget_request.parse_ids(text)


def test_set_sizes_are_those_of_the_split(small_dataset):
    sets = split(small_dataset, ForgetConfig(kind="class", values=(0,)))
    sizes = {name: int(count) for name, count, _ in forget_request.set_sizes(sets)}
    assert sizes == {"D_f": 8, "D_r": 24, "D_ft": 4, "D_rt": 12}
    assert forget_request.spread(sets.forget, 3) == [0, 16, 28]
    assert forget_request.training_ids(small_dataset, 1)[:2] == [1, 5]


def test_pages_of_a_gallery_cover_every_image_once():
    ids = list(range(25))
    count = forget_request.page_count(len(ids), 12)
    assert [i for n in range(1, count + 1) for i in forget_request.page_of(ids, n, 12)] == ids
    assert forget_request.page_count(0, 12) == 1


def test_another_class_is_one_that_nobody_forgot_of_the_same_data():
    def config(values, **changes):
        return RunConfig(
            data=DataConfig(**{"name": "digits", **changes}),
            forget=ForgetConfig(kind="class", values=values),
        )

    data = DataConfig(name="digits")
    known = [
        config((3,)),
        config((4, 5)),
        config((4,), name="fashion"),
        config((4,), train_examples=500),
        RunConfig(data=data, forget=ForgetConfig(kind="random", values=(4,))),
    ]
    assert forget_request.next_class([], data, 10, 3) == 3
    assert forget_request.next_class(known, data, 10, 3) == 4
    assert forget_request.next_class([config((n,)) for n in range(3, 10)], data, 10, 3) == 0
    assert forget_request.next_class([config((n,)) for n in range(10)], data, 10, 3) == 3
    assert forget_request.next_class([], data, 2, 3) == 0
