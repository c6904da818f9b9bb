"""alignment."""

import streamlit as st

st.title("alignment")
