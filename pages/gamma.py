"""gamma."""

import streamlit as st

st.title("gamma")
