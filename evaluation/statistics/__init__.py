"""Arrays to numbers, each with its source."""
