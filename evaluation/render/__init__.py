"""The report to pages and pictures."""
