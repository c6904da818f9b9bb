"""What a person takes away of a comparison: one HTML file to read, and a zip of its numbers."""
