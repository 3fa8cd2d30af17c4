"""Numbers to the report: one file a section."""
