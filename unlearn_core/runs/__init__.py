"""What was made and what is wanted: planned, kept, read and compared, without torch."""
