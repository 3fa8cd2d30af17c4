"""What this folder refuses: rows or settings of the caller that must be changed, not tried again."""


class InputError(ValueError):
    """A caller's data or configuration cannot be learned from as it is."""
