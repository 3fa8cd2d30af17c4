"""A run: its settings, its stages one by one, and where its folder is kept."""
