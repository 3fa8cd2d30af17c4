"""Point-in-time window features: the specification, the kernels, and the table-level function."""
