"""What this folder refuses: a table, preset or setting of the caller that must be changed, not tried again."""


class InputError(ValueError):
    """A caller's data or configuration cannot become features as it is."""
