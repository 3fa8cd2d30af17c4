"""The bundle for serving."""
