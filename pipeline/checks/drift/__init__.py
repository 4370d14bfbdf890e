"""Is one file the same model as another, and where not: by their graphs, then by their values."""
