"""A scoring process as the service sees it: started, fed with jobs, listened to with patience, and ended."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

from pydantic import ValidationError

from medfake.errors import MedfakeError
from medfake.serving.scoring.worker_messages import Package, Start, Told, Work

_ALLOWED: Final = (
    *("PATH", "HOME", "LANG", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME"),
    *("XDG_DATA_HOME", "XDG_CACHE_HOME", "MEDFAKE_PSEUDONYM_KEY_FILE", "OMP_NUM_THREADS"),
)
"""Variables that a scoring process gets: no token, no password of a database or a registry is among them."""
_LONGEST_LINE: Final = 1 << 20
_READ: Final = 1 << 16
_END_S: Final = 5.0


class DiedError(MedfakeError):
    """Raised when a scoring process ended, or said nothing for too long and was ended."""


class WorkerProcess:
    """One process and the detector that it has.

    Attributes:
        package: That it scores with.
    """

    def __init__(self, module: str, package: Package, start: Start, ready_s: float) -> None:
        """Start a process and wait until its detector has scored something.

        Args:
            module: That is run; it says what a job is.
            package: To score with.
            start: What the process is told first.
            ready_s: Until it has to be ready.

        Raises:
            DiedError: It ended, or is not ready in time.
            MedfakeError: The detector cannot be opened or gives no number.
        """
        self.package = package
        reads, writes = os.pipe()
        self._reads, self._held = reads, b""
        command = [sys.executable, "-m", module, str(writes)]
        environment = {name: value for name, value in os.environ.items() if name in _ALLOWED or name.startswith("LC_")}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                pass_fds=(writes,), env=environment, start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(writes)
        try:
            self._say(start.line())
            self._require_ready(ready_s)
        except BaseException:
            self.end()
            raise

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def work(self, folder: str, ends: float, silence_s: float) -> Iterator[Told | None]:
        """Let it do a job.

        Args:
            folder: Of the job.
            ends: Time of `time.monotonic` at which the job must be done.
            silence_s: That it may say nothing.

        Yields:
            What it tells, until it is done or failed; None about every second in which it tells nothing.

        Raises:
            DiedError: It ended, or was ended because it took too long.
        """
        self._say(Work(folder=folder).line())
        heard = time.monotonic()
        while True:
            told = self._next(1.0)
            now = time.monotonic()
            if told is None and now - heard > silence_s:
                self.end()
                raise DiedError(f"nothing was heard for {silence_s:g} s")
            if now > ends:
                self.end()
                raise TimeoutError
            heard = heard if told is None else now
            yield told
            if told and (told.done or told.failed):
                return

    def end(self) -> None:
        """End it at once, and its threads with it."""
        self._process.kill()
        self._process.wait(_END_S)
        if self._process.stdin:
            self._process.stdin.close()
        if self._reads >= 0:
            os.close(self._reads)
            self._reads = -1

    def _require_ready(self, ready_s: float) -> None:
        ends = time.monotonic() + ready_s
        while (told := self._next(1.0)) is None:
            if time.monotonic() > ends:
                raise DiedError(f"the detector was not ready within {ready_s:g} s")
        if told.failed:
            raise MedfakeError(
                str(told.failed["what"]), where=self.package.name, received=told.failed.get("received"),
                remedy=told.failed.get("remedy"),
            )  # fmt: skip

    def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - opened as a pipe
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise DiedError(self._how_it_ended()) from None

    def _next(self, patience_s: float) -> Told | None:
        """What it tells next; None where it tells nothing for so long."""
        ends = time.monotonic() + patience_s
        while b"\n" not in self._held:
            waited = select.select([self._reads], [], [], max(0.0, ends - time.monotonic()))[0]
            if not waited:
                return None
            piece = os.read(self._reads, _READ)
            if not piece:
                raise DiedError(self._how_it_ended())
            self._held += piece
            if len(self._held) > _LONGEST_LINE:
                self.end()
                raise DiedError("it said more than it has to say")
        line, self._held = self._held.split(b"\n", 1)
        try:
            return Told.model_validate_json(line)
        except ValidationError:
            self.end()
            raise DiedError("it said what makes no sense") from None

    def _how_it_ended(self) -> str:
        code = self._process.wait(_END_S)
        return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
