"""What a training needs to go on after it was cut short: one file, replaced atomically, removed at the end."""

import json
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.errors import TrainingError
from medfake.files import in_a_word, write_atomic
from medfake.training.pace import Pace

_EVERY_S = 5.0  # a kill costs no more work than this, and no more than one epoch
_VERSION = 2
Arrays = Sequence[NDArray[Any]]


class RunState:
    """The state of one training on disk.

    Attributes:
        run_id: Of the MLflow run that goes on; None before it has begun.
        position: Where the training stands, e.g. phase and epoch; empty at the beginning.
        kept: What was found before anything was learnt, by name, such as a search for options; values that JSON knows.
        pace: Of the steps in this process; not stored.
    """

    def __init__(self, path: Path, facts: Mapping[str, object]) -> None:
        """Open the state of a training; there need not be one.

        Args:
            path: The file.
            facts: All that the training's figures depend on, flat.

        Raises:
            TrainingError: The file is of a training with other params or data, and something was learnt; the
                differences are named.
        """
        self._path, self._facts = path, json.loads(json.dumps(facts))
        self.run_id: str | None = None
        self.position: dict[str, Any] = {}
        self.kept: dict[str, Any] = {}
        self.pace = Pace()
        self._groups: dict[str, list[NDArray[Any]]] = {}
        self._saved_at = time.monotonic()
        if path.exists():
            self._read()

    def begin(self, run_id: str) -> None:
        """Remember the MLflow run."""
        self.run_id = run_id
        self._write()

    @contextmanager
    def begun(self, run_id: str) -> Iterator[None]:
        """Remember the MLflow run; an error before anything was saved leaves no file, as nothing would go on."""
        self.begin(run_id)
        try:
            yield
        except Exception:
            if not self.position:
                self.discard()
            raise

    def restored(self, phase: str) -> dict[str, list[NDArray[Any]]] | None:
        """Arrays saved during a phase, by group; None when the training did not stop in it."""
        return self._groups if self.position.get("phase") == phase else None

    def due(self) -> bool:
        """Whether it is time to save again."""
        return time.monotonic() - self._saved_at >= _EVERY_S

    def save(self, position: Mapping[str, Any], groups: Mapping[str, Arrays]) -> None:
        """Replace the file.

        Args:
            position: With "phase"; values that JSON knows.
            groups: Arrays by group, e.g. weights and optimizer.
        """
        self.position, self._groups = dict(position), {name: list(arrays) for name, arrays in groups.items()}
        self._write()
        self._saved_at = time.monotonic()

    def keep(self, name: str, value: object) -> None:
        """Remember what was found on the way, so that a training that goes on need not find it again."""
        self.kept[name] = value
        self._write()

    def discard(self) -> None:
        """Remove the file: the training is over."""
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        header = {
            "version": _VERSION,
            "facts": self._facts,
            "run_id": self.run_id,
            "position": self.position,
            "kept": self.kept,
        }
        arrays: dict[str, Any] = {
            f"{name}/{at}": one for name, group in self._groups.items() for at, one in enumerate(group)
        }
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with write_atomic(self._path, "wb") as file:
            np.savez(file, header=np.array(json.dumps(header)), **arrays)

    def _read(self) -> None:
        try:
            with np.load(self._path, allow_pickle=False) as stored:
                header = json.loads(str(stored["header"]))
                names = [name for name in stored.files if name != "header"]
                names.sort(key=lambda name: (name.split("/")[0], int(name.split("/")[1])))
                for name in names:
                    self._groups.setdefault(name.split("/")[0], []).append(stored[name])
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise TrainingError(
                "the state of an interrupted training cannot be read", where=self._path, received=in_a_word(error),
                remedy=f"rm {self._path}, which begins it anew",
            ) from None  # fmt: skip
        if header["version"] != _VERSION:
            raise TrainingError(
                "an interrupted training of another version of medfake stands here", where=self._path,
                received=f"version {header['version']}", remedy=f"rm {self._path}, which begins it anew",
            )  # fmt: skip
        changed = differences(header["facts"], self._facts)
        if changed and not header["position"]:
            return  # killed before anything was learnt: nothing to lose, and another run
        if changed:
            raise TrainingError(
                "an interrupted training stands here, and params or data have changed since", where=self._path,
                received="; ".join(changed),
                remedy=f"change them back and it goes on, or rm {self._path} to begin anew",
            )  # fmt: skip
        self.run_id, self.position, self.kept = header["run_id"], header["position"], header.get("kept", {})


def pack(model: Any, best_weights: Arrays, whole: Any = None) -> dict[str, Arrays]:
    """Arrays of a compiled Keras model for `RunState.save`: weights, optimizer, and the best weights so far.

    Where the model is a part of a whole one, the weights are the whole one's.
    """
    optimizer = [np.asarray(variable) for variable in model.optimizer.variables]
    return {"weights": (whole or model).get_weights(), "optimizer": optimizer, "best": best_weights}


def unpack(model: Any, groups: Mapping[str, Arrays], whole: Any = None) -> Arrays:
    """Put what `pack` took back into a model whose optimizer is built; returns the best weights."""
    (whole or model).set_weights(groups["weights"])
    for variable, value in zip(model.optimizer.variables, groups["optimizer"], strict=True):
        variable.assign(value)
    return groups["best"]


def differences(before: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """What differs between two flat tables, e.g. "learning_rate 0.001 -> 0.0001"."""
    return [
        f"{key} {before.get(key, 'unset')} -> {now.get(key, 'unset')}"
        for key in sorted({*before, *now})
        if before.get(key, "unset") != now.get(key, "unset")
    ]
