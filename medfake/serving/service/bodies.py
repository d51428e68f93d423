"""A request's body into an upload: its kind decides how, the limits decide how much and how long."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from medfake.serving.scoring.job_files import Received
from medfake.serving.scoring.limits import MIB
from medfake.serving.service.incoming import Incoming, refusal_of, require_space
from medfake.serving.service.parts import DICOM, FORM, RELATED, ZIP, Parts, parse_header
from medfake.serving.service.refusals import MediaTypeError, RefusalError, TooLargeError, TooSlowError
from medfake.serving.service.settings import Limits
from medfake.serving.service.zip_members import MAGIC, is_zip, unpack

_ENOUGH: Final = 1 << 18  # bytes that are worth a thread's write
_DRAIN_BYTES: Final = 8 * MIB
_DRAIN_S: Final = 2.0


async def take_in(request: Request, root: Path, limits: Limits) -> Incoming:
    """Write a request's files below a folder.

    Args:
        request: POST of files.
        root: Of uploads that arrive.
        limits: Of the service.

    Returns:
        The upload, whole; the caller keeps or discards it.

    Raises:
        RefusalError: It is malformed, too large, too slow, of another kind, or the disk is full; nothing is left of it.
    """
    _require_length(request, limits)
    require_space(root, _length(request) or 0)
    incoming = Incoming(root, limits)
    try:
        await _receive(request, incoming, limits)
        await run_in_threadpool(_unpack_archives, incoming, limits)
    except ClientDisconnect:
        incoming.discard()
        raise RefusalError("the body broke off", where="body", remedy="send it again") from None
    except OSError as error:
        incoming.discard()
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error
    except BaseException:
        incoming.discard()
        raise
    return incoming


async def drain(request: Request) -> None:
    """Read a little of a body that was refused: a client that still sends would see a reset instead of the answer."""
    size = 0
    try:
        async with asyncio.timeout(_DRAIN_S):
            async for chunk in request.stream():
                size += len(chunk)
                if size > _DRAIN_BYTES:
                    return
    except (TimeoutError, ClientDisconnect, RuntimeError):  # it was read to its end already
        return


async def _receive(request: Request, incoming: Incoming, limits: Limits) -> None:
    content_type = request.headers.get("content-type", "")
    kind = parse_header(content_type)[0]
    if kind in (FORM, RELATED):
        parts = Parts(content_type, incoming)
        try:
            await _pour(request, parts.write, limits)
            parts.finish()
        finally:
            parts.close()
        return
    if kind != DICOM and kind not in ZIP:
        raise MediaTypeError(
            "scans come as DICOM files or a zip of them", where="Content-Type", received=kind[:80] or "none",
            remedy=f"{FORM}, {ZIP[0]}, {DICOM}, or {RELATED}; type=\"{DICOM}\"",
        )  # fmt: skip
    if kind == DICOM:
        file, path, name = incoming.open("1.dcm")
        with file:
            await _pour(request, lambda data: incoming.write(file, data), limits)
        if path.stat().st_size:
            incoming.received(path, name)
        return
    with incoming.spool().open("xb") as archive:
        await _pour(request, archive.write, limits)


async def _pour(request: Request, write: Callable[[bytes], object], limits: Limits) -> None:
    """Hand a body on in pieces that are worth it, as long as it comes in time."""
    held, size, ends = bytearray(), 0, time.monotonic() + limits.upload_s
    async for chunk in _chunks(request, limits, ends):
        size += len(chunk)
        if size > limits.body_bytes:
            raise _too_large(limits)
        held += chunk
        if len(held) >= _ENOUGH:
            await run_in_threadpool(write, bytes(held))
            held.clear()
    if held:
        await run_in_threadpool(write, bytes(held))


async def _chunks(request: Request, limits: Limits, ends: float) -> AsyncIterator[bytes]:
    stream = request.stream()
    while True:
        patience = min(limits.idle_s, ends - time.monotonic())
        try:
            async with asyncio.timeout(max(patience, 0)):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise TooSlowError(
                "the body did not arrive in time", where="body",
                received=f"nothing for {limits.idle_s:g} s, or more than {limits.upload_s:g} s in all",
                remedy="send it again, in smaller parts over a slow line",
            ) from None  # fmt: skip
        yield chunk


def _unpack_archives(incoming: Incoming, limits: Limits) -> None:
    """Replace archives, sent as the body or as files of a form, by what is in them."""
    if incoming.spool().exists():
        unpack(incoming.spool(), incoming, limits)
        incoming.spool().unlink()
    for one in incoming.files():
        with incoming.path(one).open("rb") as file:
            start = file.read(len(MAGIC))
        if is_zip(start):
            _unpack_file(incoming, one, limits)


def _unpack_file(incoming: Incoming, one: Received, limits: Limits) -> None:
    incoming.take_back(one)
    unpack(incoming.path(one), incoming, limits, below=one.name)
    incoming.path(one).unlink()


def _length(request: Request) -> int | None:
    text = request.headers.get("content-length", "")
    return int(text) if text.isdecimal() else None


def _require_length(request: Request, limits: Limits) -> None:
    length = _length(request)
    if length is not None and length > limits.body_bytes:
        raise _too_large(limits)


def _too_large(limits: Limits) -> TooLargeError:
    return TooLargeError(
        f"an upload has at most {limits.body_bytes / MIB:g} MiB", where="body", received="more",
        remedy="send one study at a time, or start the service with a larger --max-body-mb",
    )  # fmt: skip
