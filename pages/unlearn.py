"""unlearn."""

import streamlit as st

st.title("unlearn")
