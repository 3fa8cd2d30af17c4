"""Where the benches look for peers that are no part of this environment."""

RIVER = "HARBOR_BENCH_RIVER"
"""A Python interpreter that has river."""
