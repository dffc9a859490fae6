"""The one exception type of this project."""


class AdienceError(Exception):
    """Something the user can put right: what was wrong, where, and what to do about it."""
