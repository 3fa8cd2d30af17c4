"""Features of one transaction at a time, with the bits that a table of all of them would have."""
