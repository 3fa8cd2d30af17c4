"""Files of rows, read batch by batch: CSV, JSON lines and Parquet, every record under its own number."""
