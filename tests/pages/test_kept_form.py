"""A refresh is a new session with the old address: the Unlearn form is as it was."""

import pytest

from pages.components import kept_form
from tests.pages.reading import opened

pytestmark = pytest.mark.page


def after_a_refresh(app):
    """Open the page in a new session with the address that `app` had."""
    name = app.session_state[kept_form.OWN]
    query = {key: app.session_state[key] for key in ("dataset",)}
    return opened("unlearn", form=name, **query)


def test_a_refresh_keeps_what_to_forget_with_which_methods(shipped_store):
    app = opened("unlearn")
    app.multiselect(key="forget_class_digits").set_value([7, 8]).run()
    app.button(key="switch_False").click().run()
    app.checkbox(key="use_muda").check().run()
    app.number_input(key="epochs_digits").set_value(3).run()
    again = after_a_refresh(app)
    assert again.multiselect(key="forget_class_digits").value == [7, 8]
    assert [box.key for box in again.checkbox if box.value] == ["use_muda"]
    assert again.number_input(key="epochs_digits").value == 3


def test_a_refresh_keeps_chosen_images(shipped_store):
    app = opened("unlearn")
    app.segmented_control(key="forget_kind").set_value("ids").run()
    app.text_area(key="ids_text").set_value("3, 14, 15").run()
    again = after_a_refresh(app)
    assert again.segmented_control(key="forget_kind").value == "ids"
    assert again.text_area(key="ids_text").value == "3, 14, 15"


def test_a_copied_address_starts_alike_and_then_goes_its_own_way(shipped_store):
    app = opened("unlearn")
    app.multiselect(key="forget_class_digits").set_value([7]).run()
    other = after_a_refresh(app)
    other.multiselect(key="forget_class_digits").set_value([1]).run()
    assert after_a_refresh(app).multiselect(key="forget_class_digits").value == [7]


def test_an_unknown_form_is_the_usual_one_and_few_are_kept(shipped_store):
    assert opened("unlearn", form="nobody").multiselect(key="forget_class_digits").value == [3]
    forms = kept_form._Forms()
    for number in range(kept_form.MOST + 5):
        forms.put(str(number), {"seeds": [0]})
    assert len(forms.known) == kept_form.MOST
    assert forms.get("0") == {}
