"""Every candidate judged once on the test fold."""
