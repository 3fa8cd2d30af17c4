"""A process that begins, speaks and ends."""
