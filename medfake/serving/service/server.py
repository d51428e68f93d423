"""The service under uvicorn: slow and half-closed connections, and an end that drops nothing."""

import asyncio
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from medfake.errors import ConfigError
from medfake.files import in_a_word
from medfake.serving.service.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

_LARGEST_HEADER: Final = 32_768  # bytes of a request's line and fields
_KEEP_ALIVE_S: Final = 15
_BACKLOG: Final = 512


def protocol(header_s: float) -> type[asyncio.Protocol]:
    """Uvicorn's protocol that waits for a request's header no longer than so many seconds."""

    class Patient(H11Protocol):
        """One connection."""

        _header_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._header_timer = self.loop.call_later(header_s, self._close_silent)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            waits = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
            if waits and self._header_timer is None and (self.cycle is None or self.cycle.response_complete):
                self._header_timer = self.loop.call_later(header_s, self._close_silent)
            elif not waits:
                self._forget_timer()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget_timer()
            super().connection_lost(exc)

        def eof_received(self) -> bool:  # type: ignore[override]
            """A client that has said all it had to say may still listen: it gets its answer."""
            cycle = self.cycle
            return cycle is not None and not cycle.response_complete and not cycle.more_body

        def _close_silent(self) -> None:
            self._header_timer = None
            self.transport.close()

        def _forget_timer(self) -> None:
            if self._header_timer is not None:
                self._header_timer.cancel()
                self._header_timer = None

    return Patient


class Server(uvicorn.Server):
    """uvicorn that tells the service when it is asked to end, and says where it listens when it does."""

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], object], on_start: Callable[[], object]) -> None:
        super().__init__(config)
        self._on_exit, self._on_start = on_exit, on_start

    def handle_exit(self, sig: int, _: FrameType | None) -> None:
        """SIGTERM or Ctrl-C: no new work; a second Ctrl-C waits for nothing. It is the usual end, and no failure."""
        self._on_exit()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self.started:
            self._on_start()


def run(app: "FastAPI", settings: Settings, listening: socket.socket, on_start: Callable[[], object]) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        app: From `create_app`.
        settings: The same.
        listening: From `listen`.
        on_start: Is called when the service answers.
    """
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=protocol(settings.limits.header_s),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=settings.behind_proxy,
        forwarded_allow_ips="127.0.0.1" if settings.behind_proxy else None,
        limit_concurrency=settings.limits.connections,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=round(settings.stop_s),
        h11_max_incomplete_event_size=_LARGEST_HEADER,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    service: Any = app.state.service
    Server(config, service.begin_to_stop, on_start).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; port 0 takes a free one.

    Raises:
        ConfigError: There is no such address here, or somebody listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            "the service cannot listen there", where=f"{host} port {port}", received=in_a_word(error),
            remedy="medfake serve --port 0 takes a free port",
        ) from None  # fmt: skip
