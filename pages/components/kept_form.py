"""The Unlearn form, kept by the server under an id in the address: a refresh finds it again.

A refresh is a new session to Streamlit, with nothing of the old one but the address.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from threading import Lock
from typing import Any

import streamlit as st

from pages.components import gallery

PARAMETER = "form"  # in the address
OWN, BEGUN = "form_id", "form_begun"
MOST = 200  # forms that are kept, the latest used
# the beginnings of the keys of all fields but those that stand in the address themselves
FIELDS = (
    "width_", "norm_", "part_", "epochs_", "rate_", "seeds", "forget_kind", "forget_seed",
    "forget_difficulty", "forget_keyword",
    "forget_class_", "forget_subclass_", "forget_random_", "forget_confusion_",
    "forget_confused_", "forget_backdoor_", "use_", "preset_", "set_", "vary_", "values_",
    gallery.CHOSEN,
)  # fmt: skip


class _Forms:
    """Contents by id; many sessions use it at once."""

    def __init__(self) -> None:
        self.lock, self.known = Lock(), OrderedDict[str, dict[str, Any]]()

    def put(self, name: str, content: dict[str, Any]) -> None:
        with self.lock:
            self.known[name] = content
            self.known.move_to_end(name)
            while len(self.known) > MOST:
                self.known.popitem(last=False)

    def get(self, name: str) -> dict[str, Any]:
        with self.lock:
            return dict(self.known.get(name, {}))


FORMS = _Forms()  # of all sessions of this server


def is_new() -> bool:
    """Say whether nobody has seen this form yet: it is kept under no id."""
    return OWN not in st.session_state and PARAMETER not in st.query_params


def restore() -> None:
    """Fill the fields of a new session as the form in the address had them, before any is made."""
    if BEGUN not in st.session_state:
        st.session_state[BEGUN] = True
        for key, value in FORMS.get(st.query_params.get(PARAMETER, "")).items():
            st.session_state.setdefault(key, value)


def keep() -> None:
    """Note what the fields hold now, and write the form's id into the address."""
    content = {
        str(key): value for key, value in st.session_state.items() if str(key).startswith(FIELDS)
    }
    # an id of its own: a copied link starts from the same form and changes another
    name = st.session_state.setdefault(OWN, secrets.token_urlsafe(6))
    FORMS.put(name, content)
    if st.query_params.get(PARAMETER) != name:
        st.query_params[PARAMETER] = name
