"""How a part of the lab can fail."""


class HardwareError(Exception):
    """A part of the lab's hardware could not do what was asked: says which, what was found, what to do."""
