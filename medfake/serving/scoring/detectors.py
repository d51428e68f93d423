"""Which detector serves: the registry is watched, and a new champion takes over once it has shown that it can score.

Whatever comes out of a registry is copied into the data folder and its digests are compared with the version's tags, so
that what was checked is what is opened, also when a scoring process starts anew after the registry has gone away.
"""

import hashlib
import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medfake.config.server import SERVER_VARIABLE
from medfake.errors import MedfakeError, RegistryError
from medfake.files import in_a_word, path_text, replace_folder, sha256_file, write_json
from medfake.locks import waiting_turn
from medfake.package.card import AGGREGATION_FILE, CARD_FILE, ONNX_FILE
from medfake.package.reference import REFERENCE_FILE
from medfake.package.shipped import BUILTIN, builtin_package, has_builtin
from medfake.serving.model import BUILTIN_NAME, registry_here
from medfake.serving.scoring.worker_messages import Package

if TYPE_CHECKING:  # it loads MLflow's plumbing, which packages on disk do without
    from medfake.registry.model_registry import ModelRegistry
    from medfake.registry.versions import Version

_log = logging.getLogger(__name__)
_SERVED: Final = "served.json"
_REFUSED_AGAIN_S: Final = 60.0
_COPIES: Final = 5
_IMPATIENT: Final = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""For a watcher that looks again in seconds anyway."""


@dataclass(frozen=True)
class Standing:
    """How the registry stands.

    Attributes:
        state: "ok", "unreachable", "refused", "loading", or "none" where no registry is watched.
        said: A sentence, "" where there is nothing to say.
        checked: When it last answered, ISO 8601; None where it never did.
    """

    state: str = "loading"
    said: str = ""
    checked: str | None = None


class Detectors:
    """Watches the registry, or opens the one detector that was asked for.

    Args:
        wanted: As of `medfake scan --model`.
        folder: Where copies of packages are kept.
        watch_s: Between two looks.
        serve: Makes a package serve; raises where it cannot.
        calibration: As of `Package`; a detector that it is not of is refused.
    """

    def __init__(
        self,
        wanted: str | None,
        folder: Path,
        watch_s: float,
        serve: Callable[[Package], object],
        calibration: str = "",
    ) -> None:
        self._wanted, self._folder, self._watch_s, self._serve = wanted, folder, watch_s, serve
        self._calibration = calibration
        self._serving: Package | None = None
        self._identity = ""
        self._refused: tuple[str, float] = ("", 0.0)
        self._stop = threading.Event()
        self._registry: ModelRegistry | None = None
        self.standing = Standing()
        self._thread = threading.Thread(target=self._watch, name="registry", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; a look that is under way is not waited for."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                watched = self._look()
            except Exception as error:  # noqa: BLE001 - whatever a registry does, what serves goes on, and the watch, too
                self._unreachable(error)
            else:
                if not watched:
                    return
            self._stop.wait(self._watch_s)

    def _look(self) -> bool:
        """See to it that the right detector serves; False where it will always be this one."""
        if self._wanted == BUILTIN or (self._wanted and Path(self._wanted).exists()):
            folder = builtin_package() if self._wanted == BUILTIN else _package_folder(Path(self._wanted))
            name = BUILTIN_NAME if self._wanted == BUILTIN else f"package {path_text(Path(folder.name))}"
            return self._keep_one(folder, name, "")
        self._registry = self._registry or _registry_in_a_hurry()
        if self._registry is None:
            if self._wanted:
                self._refuse(RegistryError(
                    "there is no registry here", where=self._wanted,
                    remedy=f"cd into a medfake project, set {SERVER_VARIABLE}, or --model FOLDER",
                ))  # fmt: skip
                return True
            return self._keep_one(builtin_package(), BUILTIN_NAME, "there is no registry whose champion would scan")
        from medfake.registry.versions import MODEL_NAME, Alias

        wanted = (self._wanted or Alias.CHAMPION).removeprefix(f"models:/{MODEL_NAME}/")
        version = self._registry.look_up(wanted.removeprefix(f"models:/{MODEL_NAME}@"))
        if version is not None:
            self._change_to(version)
        elif self._wanted is None and has_builtin():
            self._change_to_builtin()
        else:
            try:
                self._registry.find(wanted)  # says what is missing
            except RegistryError as error:  # that it cannot be asked was raised above
                self._refuse(error)
        return True

    def _keep_one(self, folder: Path, name: str, chosen: str) -> bool:
        """Serve with a package on disk; True, to look again, where it cannot be opened yet."""
        try:
            self._make_serve(_package(folder, name, chosen, by_default=bool(chosen)), watched=False)
        except MedfakeError as error:
            self._refuse(error)
            return True
        return False

    def _refuse(self, error: MedfakeError) -> None:
        """What was asked for cannot serve; what serves goes on."""
        said = f"{_sentence(error)}{self._goes_on}"
        if self.standing.said != said:
            _log.error("%s", said)
        self.standing = Standing("refused", said, self.standing.checked)

    @property
    def _goes_on(self) -> str:
        return f"; {self._serving.name} goes on" if self._serving else ""

    def _change_to_builtin(self) -> None:
        if self._identity != BUILTIN:
            chosen = "no detector has been promoted yet"
            self._make_serve(_package(builtin_package(), BUILTIN_NAME, chosen, by_default=True))
            self._identity = BUILTIN
        self.standing = Standing("ok", "", _now())

    def _change_to(self, version: "Version") -> None:
        from medfake.registry.versions import MODEL_NAME

        identity = f"{version.number} {version.package_sha256} {version.card_sha256}"
        if self._identity == identity:
            self.standing = Standing("ok", "", _now())
            return
        if self._refused[0] == identity and time.monotonic() < self._refused[1]:
            return
        aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
        name = f"{MODEL_NAME} version {version.number}{aliases}"
        chosen = "it is the champion" if self._wanted is None else ""
        try:
            folder = self._copy(version)
            self._make_serve(_package(folder, name, chosen, by_default=self._wanted is None))
            self._identity = identity
        except MedfakeError as error:
            self._refused = (identity, time.monotonic() + _REFUSED_AGAIN_S)
            said = f"version {version.number} is refused: {_sentence(error)}{self._goes_on}"
            self.standing = Standing("refused", said, _now())
            _log.error("%s", self.standing.said)

    def _make_serve(self, package: Package, *, watched: bool = True) -> None:
        """Let a package serve, unless it does already."""
        package = replace(package, calibration=self._calibration)
        serving = self._serving
        if serving is None or replace(package, since=serving.since) != serving:
            self._serve(package)
            self._serving = package
            write_json(self._folder / _SERVED, asdict(package))
            self._forget_old_copies()
            _log.info("scoring with %s", package.name)
        self.standing = Standing("ok", "", _now()) if watched else Standing("none", "", None)

    def _copy(self, version: "Version") -> Path:
        """A version's package in the data folder, of the digests that were registered.

        Raises:
            RegistryError: It is another one than was registered, or its files are gone.
        """
        from medfake.registry.stored_files import altered_parts, require_unaltered
        from medfake.registry.versions import card_sha256, package_sha256

        assert self._registry is not None  # noqa: S101 - versions come out of it
        source = self._registry.package(version)
        kept = self._folder / f"{package_sha256(source)[:24]}-{card_sha256(source)[:24]}"
        with waiting_turn(kept):
            if kept.is_dir() and not altered_parts(kept, version):  # as after a roll-back; it may be open
                return kept
            with replace_folder(kept) as copy:
                for name in (ONNX_FILE, AGGREGATION_FILE, CARD_FILE, REFERENCE_FILE):
                    if (source / name).is_file():
                        shutil.copyfile(source / name, copy / name)
                require_unaltered(copy, version)  # once more: nobody altered them meanwhile
        return kept

    def _forget_old_copies(self) -> None:
        """Remove packages that served long ago; processes that share the folder may still open the last few."""
        copies = [one for one in self._folder.iterdir() if one.is_dir() and not one.name.startswith(".")]
        for old in sorted(copies, key=lambda one: -one.stat().st_mtime)[_COPIES:]:
            if self._serving is None or old != Path(self._serving.folder):
                shutil.rmtree(old, ignore_errors=True)

    def _unreachable(self, error: Exception) -> None:
        """Keep what serves, or begin with what served last; say so."""
        if self._serving is None:
            self._begin_with_last()
        said = f"{_sentence(error)}{self._goes_on}"
        if self.standing.said != said:
            _log.error("%s", said)
        self.standing = Standing("unreachable", said, self.standing.checked)

    def _begin_with_last(self) -> None:
        path = self._folder / _SERVED
        if not path.exists() or self._wanted is not None:
            return
        try:
            package = Package(**json.loads(path.read_text(encoding="utf-8")))
            if package_digest(Path(package.folder)) == package.digest:
                package = replace(package, calibration=self._calibration)
                self._serve(package)
                self._serving = package
        except (ValueError, TypeError, OSError, MedfakeError) as error:
            _log.error("what served last cannot serve: %s", type(error).__name__)


def _registry_in_a_hurry() -> "ModelRegistry | None":
    """The registry here, which is asked with less patience than MLflow has of its own."""
    for name, value in _IMPATIENT.items():
        os.environ.setdefault(name, value)
    return registry_here()


def _package(folder: Path, name: str, chosen: str, *, by_default: bool) -> Package:
    return Package(str(folder), name, chosen, by_default, package_digest(folder), _now())


def _package_folder(path: Path) -> Path:
    return path.parent if path.is_file() else path


def package_digest(folder: Path) -> str:
    """SHA-256 of a package's graphs and card; a file that is missing is told when the package is opened."""
    digest = hashlib.sha256()
    for name in (ONNX_FILE, AGGREGATION_FILE, CARD_FILE):
        if (folder / name).is_file():
            digest.update(f"{name} {sha256_file(folder / name)}\n".encode())
    return digest.hexdigest()


def _sentence(error: Exception) -> str:
    if not isinstance(error, MedfakeError):
        return f"the registry cannot be asked: {in_a_word(error)}"
    return error.what if error.where is None else f"{error.what} ({error.where})"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
