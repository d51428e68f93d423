"""Processes beside each other, of which each may die without taking the others or their work along."""

import signal
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Lock
from typing import Any, Final, TypeVar

from medfake.package.in_order import in_order

Item = TypeVar("Item")
Task = TypeVar("Task")
Result = TypeVar("Result")
TRIES: Final = 2
"""Of a piece of work whose process died: the system may have ended it for the memory that another one took."""
_SPAWN = get_context("spawn")  # not forked: threads of ONNX Runtime do not survive a fork
_STOP_S = 5.0


class ProcessDiedError(Exception):
    """Raised where a process ended in the midst of its work; says how."""


class Workers:
    """A few processes, each started when there is work for it and replaced when it dies.

    One process has one piece of work at a time, so it is known which one was at work when it died. Whole pools, those
    of concurrent.futures and of joblib among them, end with the first process that dies.
    """

    def __init__(self, jobs: int) -> None:
        """Start nothing yet.

        Args:
            jobs: Processes, at least 1.
        """
        self.jobs = jobs
        self._all = [_Process() for _ in range(jobs)]
        self._free: SimpleQueue[_Process] = SimpleQueue()
        for one in self._all:
            self._free.put(one)
        self._stopping = False

    def each(
        self,
        task_of: Callable[[Item], Task | None],
        work: Callable[[Task], Result],
        items: Iterable[Item],
        lost: Callable[[Task, str], Result],
    ) -> Iterator[tuple[Item, Result | None]]:
        """Have the tasks of items done, results in their order; no more items are taken than there is work for.

        Args:
            task_of: What is to be done of an item; None for one that passes as it is.
            work: A function of a module, so that another process can import it.
            items: Taken on the calling thread.
            lost: From a task over which processes died, and how they did, to what stands for its result.
        """

        def do(item: Item) -> tuple[Item, Result | None]:
            task = task_of(item)
            return item, None if task is None else self._done(work, task, lost)

        return in_order(do, items, self.jobs, self.stop)

    def stop(self) -> None:
        """End the processes at once; what they are at is lost."""
        self._stopping = True
        for one in self._all:
            one.end()

    def _done(self, work: Callable[[Task], Result], task: Task, lost: Callable[[Task, str], Result]) -> Result:
        process = self._free.get()
        try:
            for left in reversed(range(TRIES)):
                try:
                    return process.do(work, task)
                except ProcessDiedError as error:
                    if not left or self._stopping:
                        return lost(task, str(error))
            raise AssertionError  # TRIES is at least 1
        finally:
            self._free.put(process)


class _Process:
    """One process at a time, started anew after it died."""

    def __init__(self) -> None:
        self._running: Any = None
        self._line: Connection | None = None
        self._lock = Lock()
        self._ended = False

    def do(self, work: Callable[[Task], Result], task: Task) -> Result:
        """Have work done; what it raises is raised here.

        Raises:
            ProcessDiedError: The process ended before it answered.
        """
        line = self._started()
        try:
            line.send((work, task))
            done, result = line.recv()
        except (EOFError, OSError):
            raise ProcessDiedError(self._how_it_died()) from None
        if done:
            return result  # type: ignore[no-any-return]  # a pipe has no types
        raise result

    def end(self) -> None:
        """Kill it, and start none again."""
        with self._lock:
            self._ended = True
            if self._running is not None:
                self._running.kill()
                self._running.join(_STOP_S)

    def _started(self) -> Connection:
        with self._lock:
            if self._ended:
                raise ProcessDiedError("the command is ending")
            if self._line is None:
                self._line, far_end = _SPAWN.Pipe()
                self._running = _SPAWN.Process(target=_serve, args=(far_end,), daemon=True)
                self._running.start()
                far_end.close()
            return self._line

    def _how_it_died(self) -> str:
        with self._lock:
            self._running.join(_STOP_S)
            code, self._line = self._running.exitcode, None
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _serve(line: Connection) -> None:
    """Work until nobody asks any more: the other end closes when the main process ends, however it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process answers to it
    while True:
        try:
            work, task = line.recv()
        except (EOFError, OSError):
            return
        try:
            result = (True, work(task))
        except Exception as error:  # noqa: BLE001  # raised again in the main process
            result = (False, error)
        try:
            line.send(result)
        except OSError:
            return
