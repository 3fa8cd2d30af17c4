"""What configurations and bundles agree on; it loads nothing, so that settings can be refused without a library."""

SIGNING_KEY = "HARBOR_BUNDLE_KEY"
"""Environment variable with the key that signs a manifest, unless the configuration names another."""
FEWEST = 50
"""Golden rows that a bundle holds at least."""
