import json

import pytest

from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.runs import selections


def test_what_is_saved_is_found_again_in_the_order_it_was_made(store):
    selections.save(store, "abc", "  like   nines ", [7, 3])
    selections.save(store, "abc", "Ausreißer", [1])
    assert selections.saved(store, "abc") == {"like nines": [7, 3], "Ausreißer": [1]}
    assert list(selections.saved(store, "abc")) == ["like nines", "Ausreißer"]
    assert selections.saved(store, "other") == {}


def test_a_name_that_is_used_again_replaces_its_examples(store):
    selections.save(store, "abc", "one", [1])
    selections.save(store, "abc", "one", [2, 3])
    assert selections.saved(store, "abc") == {"one": [2, 3]}


def test_what_is_removed_is_gone_and_a_second_time_nothing_happens(store):
    selections.save(store, "abc", "one", [1])
    selections.remove(store, "abc", "one")
    selections.remove(store, "abc", "one")
    assert selections.saved(store, "abc") == {}


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_name_must_have_some_letters_and_not_too_many(store, name):
    with pytest.raises(InputError, match="1 to 60 letters"):
        selections.save(store, "abc", name, [1])


def test_an_empty_selection_cannot_be_saved(store):
    with pytest.raises(InputError, match="at least one example"):
        selections.save(store, "abc", "one", [])


def test_there_is_a_most_number_of_selections_but_old_ones_can_change(store, monkeypatch):
    monkeypatch.setattr(selections, "MOST_SELECTIONS", 1)
    selections.save(store, "abc", "one", [1])
    with pytest.raises(InputError, match="Remove some first"):
        selections.save(store, "abc", "two", [2])
    selections.save(store, "abc", "one", [3])
    assert selections.saved(store, "abc") == {"one": [3]}


@pytest.mark.parametrize("content", ["{", "[1]", '{"one": 3}', '{"one": ["x"]}'])
def test_a_file_that_holds_something_else_is_named(store, content):
    path = store.root / "selections" / "abc.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(KnownFailureError, match=r"abc\.json holds no saved selections"):
        selections.saved(store, "abc")


def test_the_file_is_plain_json(store):
    selections.save(store, "abc", "one", [1, 2])
    [path] = (store.root / "selections").iterdir()
    assert json.loads(path.read_text()) == {"one": [1, 2]}
