"""Which model is in production: versions, promotion, and the ledger of both."""
