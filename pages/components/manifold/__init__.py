"""The Manifolds page's parts: the map component, what is selected on it, and what stands below."""
