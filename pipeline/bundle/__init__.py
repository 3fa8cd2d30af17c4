"""An exported bundle: its manifest, its graph and its golden rows, read without any model library."""
