"""Originals are read and never written over: what is made of them lies elsewhere."""

from pathlib import Path

from medfake.errors import SourceError


def require_apart(reals: Path, out: Path, key: str) -> None:
    """See to it that what takes the place of a folder takes none of the originals away.

    Args:
        reals: Folder of originals.
        out: Folder that is replaced whole.
        key: Of params.yaml that names the originals.

    Raises:
        SourceError: One of both lies in the other, or they are one.
    """
    originals, made = reals.resolve(), out.resolve()
    if originals.is_relative_to(made) or made.is_relative_to(originals):
        raise SourceError(
            "originals lie where what is made of them would take their place", where=reals, received=f"out {out}",
            remedy=f"move the scans out of {out}, and mend {key} in params.yaml",
        )  # fmt: skip
