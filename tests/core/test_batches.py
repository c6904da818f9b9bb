"""Batches that mix D_f and D_r: as shuffled, or with a fixed number of D_f in each."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from unlearn_core.data.batches import Examples, chance_without_forget, mixed, to_device
from unlearn_core.data.images import ImageInputs
from unlearn_core.methods import METHODS, resolve_settings

CPU = torch.device("cpu")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def parts(small_dataset):
    """The small data set's 8 examples to forget and 24 to retain."""

    def make(augment="none"):
        forget = small_dataset.labels == 1
        return tuple(
            to_device(
                small_dataset, mask & small_dataset.is_train, CPU, forget=forget, augment=augment
            )
            for mask in (forget, ~forget)
        )

    return make


def drawn(parts, *, epochs=1, batch_size=10, forget_per_batch=3, seed=0):
    batches, total = mixed(
        *parts,
        epochs=epochs,
        batch_size=batch_size,
        forget_per_batch=forget_per_batch,
        generator=seeded(seed),
    )
    found = list(batches)
    assert len(found) == total
    return found


def ids_of(batches, *, forget):
    return [i for b in batches for i in b.example_ids[b.is_forget == forget].tolist()]


def test_every_batch_holds_the_asked_number_of_each_set(parts):
    batches = drawn(parts(), epochs=2)
    assert [len(batch) for batch in batches] == [10, 10, 10, 6] * 2  # 24 = 7 + 7 + 7 + 3
    assert {int(batch.is_forget.sum()) for batch in batches} == {3}


def test_an_epoch_is_one_shuffled_pass_over_the_retained_examples(parts):
    batches = drawn(parts(), epochs=2)
    first, second = (ids_of(half, forget=False) for half in (batches[:4], batches[4:]))
    expected = parts()[1].example_ids.tolist()
    assert sorted(first) == sorted(second) == expected
    assert len({tuple(order) for order in (first, second, expected)}) == 3


def test_forgotten_examples_come_in_whole_passes_across_batches_and_epochs(parts):
    ids = ids_of(drawn(parts(), epochs=2), forget=True)
    everyone = set(parts()[0].example_ids.tolist())
    assert len(ids) == 24
    passes = [ids[i : i + 8] for i in (0, 8, 16)]
    assert all(set(one) == everyone for one in passes)
    assert len({tuple(one) for one in passes}) == 3


def test_a_forget_set_smaller_than_its_share_of_a_batch_repeats(parts):
    forget, retain = parts()
    batches = drawn((forget.take(torch.tensor([0, 1])), retain), forget_per_batch=5)
    for batch in batches:
        counts = np.unique(batch.example_ids[batch.is_forget].numpy(), return_counts=True)[1]
        assert sorted(counts.tolist()) == [2, 3]


def test_the_same_generator_gives_the_same_mixed_batches(parts):
    def ids(seed):
        return [batch.example_ids.tolist() for batch in drawn(parts(), seed=seed)]

    torch.manual_seed(0)
    first = ids(1)
    torch.manual_seed(1)
    assert first == ids(1) != ids(2)


def test_mixed_batches_carry_each_examples_own_image_label_and_flag(parts, small_dataset):
    for batch in drawn(parts()):
        ids = batch.example_ids.numpy()
        expected = (small_dataset.images[ids] / 255 - 0.5) / 0.3
        assert batch.inputs.numpy() == pytest.approx(expected, abs=1e-5)
        assert (batch.labels.numpy() == small_dataset.labels[ids]).all()
        assert (batch.is_forget.numpy() == (small_dataset.labels[ids] == 1)).all()


@pytest.mark.parametrize("forget_per_batch", [0, 3])
def test_mixed_batches_are_augmented_like_shuffled_ones(parts, small_dataset, forget_per_batch):
    moved = {True: 0, False: 0}
    for batch in drawn(parts("shift"), forget_per_batch=forget_per_batch):
        rows = zip(batch.inputs, batch.example_ids.tolist(), batch.is_forget.tolist(), strict=True)
        for image, example_id, is_forget in rows:
            plain = (small_dataset.images[example_id, 0] / 255 - 0.5) / 0.3
            wide = np.pad(plain, 1, mode="edge")
            crops = [wide[i : i + 8, j : j + 8] for i in range(3) for j in range(3)]
            assert min(np.abs(crop - image[0].numpy()).max() for crop in crops) < 1e-5
            moved[is_forget] += np.abs(plain - image[0].numpy()).max() > 1e-5
    assert min(moved.values()) > 3


def test_zero_per_batch_is_the_shuffled_pass_over_both_sets_bit_for_bit(parts):
    forget, retain = parts("crop_flip")
    plain = list(forget.join(retain).epochs(2, 10, seeded(4)))
    for ours, theirs in zip(
        drawn((forget, retain), epochs=2, forget_per_batch=0, seed=4), plain, strict=True
    ):
        for field in ("inputs", "labels", "example_ids", "is_forget"):
            assert torch.equal(getattr(ours, field), getattr(theirs, field))


@pytest.mark.parametrize("batch_size", [2, 3, 4, 5])
def test_as_many_mixed_batches_come_as_were_announced(parts, batch_size):
    forget, retain = parts()
    odd = retain.take(torch.arange(len(retain) - (len(retain) + 1) % 2))
    assert len(odd) % 2 == 1
    for per_batch in (0, 1):
        batches, total = mixed(
            forget, odd, epochs=2, batch_size=batch_size, forget_per_batch=per_batch,
            generator=seeded(),
        )  # fmt: skip
        assert len(list(batches)) == total


@pytest.mark.parametrize("forget_per_batch", [0, 3])
def test_passes_are_added_until_there_are_enough_steps(parts, forget_per_batch):
    def made(**options):
        generator = torch.Generator().manual_seed(0)
        batches, total = mixed(
            *parts(),
            batch_size=10,
            forget_per_batch=forget_per_batch,
            generator=generator,
            **options,
        )
        assert len(list(batches)) == total
        return total

    in_a_pass = made(epochs=1)
    assert made(epochs=2, steps_at_least=in_a_pass) == 2 * in_a_pass
    assert made(epochs=1, steps_at_least=2 * in_a_pass + 1) == 3 * in_a_pass


@pytest.mark.parametrize("wrong", [10, 11, -1])
def test_a_batch_without_room_for_retained_examples_is_refused(parts, wrong):
    message = f"`forget_per_batch` must be from 0 to below the batch size 10, got {wrong}"
    with pytest.raises(ValueError, match=message):
        drawn(parts(), forget_per_batch=wrong)


@pytest.mark.parametrize(("empty", "name"), [(0, "forget"), (1, "retain")])
def test_an_empty_set_has_nothing_to_put_into_every_batch(parts, empty, name):
    both = list(parts())
    both[empty] = both[empty].take(torch.tensor([], dtype=torch.int64))
    with pytest.raises(ValueError, match=f"`{name}` must hold an example"):
        drawn(both)


OF_TEXTS = ("texts", "banking77", "imdb")


@pytest.mark.parametrize("method", ["rfa", "badt"])
def test_a_method_refuses_the_setting_before_it_runs(method):
    resolve_settings(method, {"batch_size": 8, "forget_per_batch": 7})
    with pytest.raises(ValueError, match="below the batch size 8, got 8"):
        resolve_settings(method, {"batch_size": 8, "forget_per_batch": 8})
    for preset in METHODS[method].presets:
        if preset.split()[0] not in OF_TEXTS:  # few of one intent are in a batch by chance
            assert resolve_settings(method, preset=preset).forget_per_batch == 0


# Chance of a batch without forgotten examples ---------------------------------------------------


@pytest.mark.parametrize(
    ("n_forget", "expected", "tolerance"), [(128, 0.719990, 1e-6), (5000, 1.365e-6, 1e-9)]
)
def test_the_chance_of_a_batch_without_forgotten_examples_is_golden(n_forget, expected, tolerance):
    assert chance_without_forget(50_000, n_forget, 128) == pytest.approx(expected, abs=tolerance)


def test_the_chance_follows_from_drawing_one_example_after_the_other():
    chance = np.prod([(40 - 5 - i) / (40 - i) for i in range(7)])
    assert chance_without_forget(40, 5, 7) == pytest.approx(chance, rel=1e-12)


def test_a_batch_that_takes_everything_or_a_forget_set_of_all_leaves_no_chance():
    assert chance_without_forget(10, 1, 10) == chance_without_forget(10, 1, 99) == 0
    assert chance_without_forget(10, 10, 3) == 0
    assert chance_without_forget(10, 0, 3) == 1


def test_shuffled_batches_miss_the_forget_set_as_often_as_computed(parts):
    forget, retain = parts()
    few = (forget.take(torch.tensor([0, 1])), retain)  # 2 among 26, in batches of 2
    batches = drawn(few, epochs=300, batch_size=2, forget_per_batch=0)
    rate = np.mean([not bool(batch.is_forget.any()) for batch in batches])
    expected = chance_without_forget(26, 2, 2)
    error = np.sqrt(expected * (1 - expected) / len(batches))
    assert abs(rate - expected) < 3 * error
    assert error < 0.01


def bytes_of(*tensors):
    return sum(tensor.nbytes for tensor in tensors)


def test_a_union_of_fifty_thousand_examples_takes_less_than_a_megabyte_and_no_pixel():
    n = 50_000
    one = torch.zeros(1, 3, 224, 224, dtype=torch.uint8)  # 7.5 GB if it were copied
    inputs = ImageInputs(images=one.expand(n, -1, -1, -1), mean=torch.zeros(1), std=torch.ones(1))
    everything = Examples.of(inputs, torch.zeros(n, dtype=torch.int64), 10)
    forget, retain = everything.take(torch.arange(5_000)), everything.take(torch.arange(5_000, n))
    union = forget.join(retain)
    for part in (forget, retain, union, union.sample(20_000, seeded())):
        assert part.inputs is everything.inputs
        assert part.stored_labels is everything.stored_labels
        assert part.stored_ids is everything.stored_ids
        assert bytes_of(part.rows, part.is_forget) < 1e6
    assert len(union) == n


def test_all_sets_of_a_data_set_share_one_store_whatever_they_augment(parts, small_dataset):
    first, second = parts("none"), parts("crop_flip")
    places = {part.inputs.images.data_ptr() for part in (*first, *second)}
    assert places == {small_dataset.images.ctypes.data}  # on the CPU not even one copy
    for field in ("stored_labels", "stored_ids"):
        assert len({id(getattr(part, field)) for part in (*first, *second)}) == 1
    assert [part.inputs.augment for part in (*first, *second)] == ["none"] * 2 + ["crop_flip"] * 2
    assert len(first[0].join(second[1])) == 32


def test_a_second_data_set_takes_the_first_ones_place(small_dataset):
    def store_of(dataset):
        return to_device(dataset, dataset.is_test, CPU).inputs.images

    other = replace(small_dataset, images=255 - small_dataset.images)
    first, second = store_of(small_dataset), store_of(other)
    assert torch.equal(first, 255 - second)
    assert store_of(other) is second
    assert store_of(small_dataset) is not first


def test_examples_of_different_stores_are_not_joined(parts, small_dataset):
    other = replace(small_dataset, images=small_dataset.images.copy())
    with pytest.raises(ValueError, match="`other` must be examples of the same stored inputs"):
        parts()[0].join(to_device(other, other.is_train, CPU))


def test_an_image_that_must_not_be_written_to_is_read_without_a_warning(small_dataset, recwarn):
    images = small_dataset.images.copy()
    images.flags.writeable = False
    frozen = replace(small_dataset, images=images)
    batch = next(to_device(frozen, frozen.is_test, CPU).ordered())
    assert torch.equal(
        batch.inputs, next(to_device(small_dataset, frozen.is_test, CPU).ordered()).inputs
    )
    assert not recwarn.list


def test_a_picture_is_seen_as_it_was_stored(small_dataset):
    assert (small_dataset.previews((3, 1)) == small_dataset.images[[3, 1]]).all()


def test_off_the_cpu_examples_in_neither_half_stay_behind_and_are_refused(small_dataset):
    """The device `meta` stands for a GPU."""
    few = replace(small_dataset, is_train=np.arange(48) < 10)
    examples = to_device(few, few.is_train, torch.device("meta"))
    assert len(examples) == 10
    assert examples.inputs.images.shape[1:] == (1, 8, 8)
    assert len(examples.inputs) == len(examples.stored_ids) == 26  # with 16 of the test half
    with pytest.raises(ValueError, match="`mask` must select examples of the training or test"):
        to_device(few, small_dataset.is_train, torch.device("meta"))


def test_even_batches_are_as_many_and_differ_by_one_example_at_most(small_dataset):
    examples = to_device(small_dataset, small_dataset.is_train, torch.device("cpu"))
    n = len(examples)
    size = next(size for size in range(2, n) if 1 < n % size < size - 2)
    plain = [len(b) for b in examples.shuffled(size, torch.Generator().manual_seed(0))]
    even = list(examples.epochs(2, size, torch.Generator().manual_seed(0), even=True))
    sizes = [len(batch) for batch in even]
    assert len(sizes) == 2 * len(plain) == 2 * examples.steps(size)
    assert min(plain) < max(plain) - 1
    assert max(sizes) - min(sizes) == 1
    ids = torch.cat([batch.example_ids for batch in even[: len(plain)]])
    assert sorted(ids.tolist()) == sorted(examples.example_ids.tolist())
