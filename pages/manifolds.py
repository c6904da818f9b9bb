"""manifolds."""

import streamlit as st

st.title("manifolds")
