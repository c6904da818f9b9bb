"""What pages show: tables, figures, colours and words. No torch, no Streamlit."""
