"""What pages say of the service that they belong to."""

from dataclasses import dataclass

from medfake.serving.scoring.limits import MIB
from medfake.serving.service.settings import Settings
from medfake.serving.service.tokens import SESSION_S


@dataclass(frozen=True)
class About:
    """What pages say of their service.

    Attributes:
        limits: What it takes, a sentence.
        keeping: How long it keeps what, a sentence.
        tokens: Whether it answers those alone who have a token.
        session_hours: How long a browser is remembered.
    """

    limits: str
    keeping: str
    tokens: bool = False
    session_hours: int = SESSION_S // 3600


def about_service(settings: Settings) -> About:
    """Say what a service takes and keeps.

    Args:
        settings: Of the service.
    """
    limits = settings.limits
    return About(
        limits=f"At most {limits.files:,} files and {_size(limits.body_bytes)} at a time.",
        keeping=f"What is uploaded, and what is found in it, is kept on the disk of this service for "
        f"{settings.keep_s / 3600:g} hours, then deleted; you can delete it before.",
        tokens=bool(settings.tokens),
    )


def _size(size: int) -> str:
    """As people say it: "2 GiB", "300 MiB"."""
    whole, rest = divmod(size, 1024 * MIB)
    return f"{size // MIB:,} MiB" if rest else f"{whole:,} GiB"
