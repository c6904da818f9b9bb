"""What all pages and figures call the sets of examples and the two reference models."""

from __future__ import annotations

SET_SYMBOLS = {
    "forget": "D_f",
    "retain": "D_r",
    "forget_test": "D_ft",
    "retain_test": "D_rt",
    "test": "D_t",
}
SET_NAMES = {  # plain words first; each goes on after "images"
    "forget": f"to forget ({SET_SYMBOLS['forget']})",
    "retain": f"to keep ({SET_SYMBOLS['retain']})",
    "forget_test": f"for testing, of what is forgotten ({SET_SYMBOLS['forget_test']})",
    "retain_test": f"for testing, of what is kept ({SET_SYMBOLS['retain_test']})",
}
REFERENCE_NAMES = {"original": "Original", "retrain": "Retrained"}
INCREMENTAL_NAMES = {"old": "Old model", "new": "New model"}
