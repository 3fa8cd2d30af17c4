"""Raw files to valid transactions, sorted by time, and quarantined rows with reasons."""
