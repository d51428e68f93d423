"""Errors that a client gets: always what, where, received and remedy, with a status that says whose fault it is."""

from typing import ClassVar

from medfake.errors import BusyError, MedfakeError, ScanError, StorageError


class RefusalError(MedfakeError):
    """Raised when a request cannot be done as it was asked; a class for each status.

    Args:
        what: As of `MedfakeError`.
        where: As of `MedfakeError`.
        received: As of `MedfakeError`.
        remedy: As of `MedfakeError`.
        retry_after_s: Seconds after which the client may try again.
    """

    exit_code = 9
    status: ClassVar[int] = 400

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        received: object = None,
        remedy: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(what, where=where, received=received, remedy=remedy)
        self.retry_after_s = retry_after_s


class UnauthorizedError(RefusalError):
    """Raised when nobody, or nobody known, asks."""

    status = 401


class ForbiddenError(RefusalError):
    """Raised when another site's page asks in its reader's name."""

    status = 403


class NotFoundError(RefusalError):
    """Raised when there is no such thing, or no longer."""

    status = 404


class TooSlowError(RefusalError):
    """Raised when a body does not arrive in time."""

    status = 408


class ConflictError(RefusalError):
    """Raised when a job has not come as far as what is asked of it."""

    status = 409


class TooLargeError(RefusalError):
    """Raised when an upload is over a limit."""

    status = 413


class MediaTypeError(RefusalError):
    """Raised when a body is of a kind that is not taken."""

    status = 415


class TooManyError(RefusalError):
    """Raised when there are too many uploads or jobs at a time."""

    status = 429


class UnavailableError(RefusalError):
    """Raised when the service cannot score now."""

    status = 503


class FullError(RefusalError):
    """Raised when there is no space on the disk for an upload."""

    status = 507


def says_full(what: str) -> bool:
    """Whether a sentence of `StorageError` is about the disk, and not about a database that cannot be reached."""
    return what.startswith("the disk")


def status_of(error: MedfakeError) -> int:
    """The HTTP status of an error of medfake."""
    if isinstance(error, RefusalError):
        return error.status
    if isinstance(error, ScanError):
        return 422
    if isinstance(error, StorageError) and says_full(error.what):
        return FullError.status
    if isinstance(error, StorageError | BusyError):  # of the database: it may come back
        return UnavailableError.status
    return 500
