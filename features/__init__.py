"""Rows to arrays: canonical transactions, point-in-time features, time folds and the fitted encoder."""
