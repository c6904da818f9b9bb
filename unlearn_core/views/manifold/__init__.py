"""The maps of features: their points and pictures, what is selected, what moved, and the steps."""
