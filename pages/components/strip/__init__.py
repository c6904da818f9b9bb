"""The strip of methods on the Overview."""
