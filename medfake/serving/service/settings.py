"""What a service is told when it starts: where it listens, what it keeps and where, and how much it takes."""

from dataclasses import dataclass, field
from pathlib import Path

from medfake.errors import ConfigError
from medfake.loopback import is_loopback
from medfake.serving.scoring.limits import MIB, ScoringLimits
from medfake.serving.service.tokens import Tokens
from medfake.serving.tls_files import require_pair


@dataclass(frozen=True)
class Limits(ScoringLimits):
    """How much the service takes before it says no; each is an option of `medfake serve`.

    Attributes:
        body_bytes: Of one upload.
        zip_ratio: Of what an archive holds to its own size, beyond 64 MiB; unpacked it is bound by `expanded_bytes`.
        files: Of one upload.
        uploads: At a time.
        queue: Jobs that wait.
        connections: At a time.
        header_s: For a request's header to arrive.
        idle_s: Between two pieces of a body.
        upload_s: For a whole body.
        wait_s: That POST /v1/scans waits for its answer.
        small_bytes: Of an upload that it waits for.
    """

    body_bytes: int = 2048 * MIB
    zip_ratio: int = 100
    files: int = 20_000
    uploads: int = 4
    queue: int = 100
    connections: int = 200
    header_s: float = 10.0
    idle_s: float = 30.0
    upload_s: float = 1800.0
    wait_s: float = 30.0
    small_bytes: int = 256 * MIB


@dataclass(frozen=True)
class Settings:
    """A service.

    Attributes:
        data: Folder of jobs and of copies of the detectors that serve; mode 0700, shared by the processes of a service.
        database: Of jobs, see `medfake.serving.database`.
        host: Address to listen at.
        port: 0 for any that is free.
        model: As of `medfake scan --model`; None for the champion, or the built-in detector where there is none.
        calibration: File of `medfake calibrate`, whose thresholds are used; None for the detector's own.
        workers: Scoring processes.
        tokens: Whom the service answers; without any it answers everybody on this machine.
        tls_cert: PEM file; None for plain HTTP.
        tls_key: PEM file.
        behind_proxy: Whether a reverse proxy on this machine ends TLS and says who asks.
        keep_s: How long a job is kept after it was made.
        keep_records_days: How long it is known of a scan that it was served, for monitoring.
        watch_s: Between two looks at the registry.
        stop_s: That requests have to end when the service stops.
        lease_s: How long a job stays with a process that says nothing.
    """

    data: Path
    database: str
    host: str = "127.0.0.1"
    port: int = 8000
    model: str | None = None
    calibration: Path | None = None
    workers: int = 1
    tokens: Tokens = field(default_factory=Tokens.none)
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    keep_s: float = 24 * 3600.0
    keep_records_days: int = 730
    watch_s: float = 2.0
    stop_s: float = 20.0
    lease_s: float = 15.0
    limits: Limits = field(default_factory=Limits)

    @property
    def encrypted(self) -> bool:
        """Whether browsers reach the service over TLS."""
        return self.tls_cert is not None or self.behind_proxy

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_cert else 'http'}://{host}:{self.port}"

    def require_safe(self) -> None:
        """Refuse to show scans of patients to a network that nobody guards.

        Raises:
            ConfigError: Other machines would reach it, directly or by a reverse proxy, without tokens or TLS; or it has
                no whole TLS key pair.
        """
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigError(
                "TLS needs a certificate and its key", where="--tls-cert, --tls-key", received="one of the two",
                remedy="medfake serve --tls-cert CERT.pem --tls-key KEY.pem",
            )  # fmt: skip
        if self.tls_cert is not None and self.tls_key is not None:
            require_pair(self.tls_cert, self.tls_key)
        if is_loopback(self.host) and not self.behind_proxy:
            return
        if not self.tokens:  # what a proxy passes on comes from this machine, and often under its name
            where, received = ("--behind-proxy", None) if self.behind_proxy else ("--host", self.host)
            raise ConfigError(
                "beyond this machine the service answers none without a token", where=where, received=received,
                remedy=f'MEDFAKE_TOKENS="NAME=$(openssl rand -hex 32)" medfake serve ..., or leave {where} out',
            )  # fmt: skip
        if not self.encrypted:
            raise ConfigError(
                "beyond this machine scans and tokens travel encrypted", where="--host", received=self.host,
                remedy="--tls-cert CERT.pem --tls-key KEY.pem, or --behind-proxy where a reverse proxy ends TLS",
            )  # fmt: skip
