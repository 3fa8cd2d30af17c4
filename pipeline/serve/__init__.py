"""`harbor serve`: a raw transaction in, a decision out, and nothing lost."""
