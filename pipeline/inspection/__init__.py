"""Data looked at before a run: what a file holds, a preset and folds that fit it, what a run would do with it."""
