"""The name that was probably meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(received: object, known: Iterable[str]) -> str:
    """A clause for the end of a message, "" when no known name is near."""
    near = difflib.get_close_matches(str(received), list(known), n=1, cutoff=0.6)
    return f", did you mean {near[0]!r}?" if near else ""
