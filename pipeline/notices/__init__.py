"""Notices to whoever must hear of a change of champion or of an alarm: by webhook and by command."""
