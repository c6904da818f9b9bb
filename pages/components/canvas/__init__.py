"""The canvas of the page on which a person draws."""
