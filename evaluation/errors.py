"""What this folder refuses: results or settings of the caller that must be changed, not tried again."""


class InputError(ValueError):
    """A caller's data or configuration cannot be judged as it is."""
