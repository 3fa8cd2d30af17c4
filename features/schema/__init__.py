"""Raw columns to canonical transactions: what is read, what is refused, and why."""
