"""The sweep of the head, the booster on the shared embedding, and the baseline."""
