"""Bytes on disk and in object stores: whole or not at all, checked when read, locked while written."""
