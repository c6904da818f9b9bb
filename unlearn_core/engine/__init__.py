"""What makes runs, with torch: pipeline, probes, metrics, maps, and the runs that ship."""
