"""A deployed bundle judged on outcomes that arrived later."""
