"""Streamlit widgets and cached reads shared by the pages."""
