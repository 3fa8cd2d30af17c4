"""Arrays in, probabilities out: networks, a booster, a baseline, and what calibrates and combines them."""
