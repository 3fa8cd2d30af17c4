"""Seeded raw transactions."""
