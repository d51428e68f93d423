"""The model registry of a study: versions, the two aliases, the files behind a version, the ledger."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlparse

from medfake.config import TrackingParams
from medfake.errors import NoChampionError, RegistryError
from medfake.package.card import read_card
from medfake.registry import ledger
from medfake.registry.registration import described, log_package, require_agreement, require_detector
from medfake.registry.stored_files import NOMINATE_AGAIN, PACKAGE, fetched, is_package, require_unaltered
from medfake.registry.turns import turn
from medfake.registry.versions import MODEL_NAME, Alias, Version, package_sha256, read_version, version_tags
from medfake.tracking.store import Store

_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # MLflow's for versions, for aliases


class ModelRegistry:
    """Registered detectors of one store; nothing is opened or made before it is needed."""

    def __init__(self, tracking: TrackingParams) -> None:
        """Name the registry.

        Args:
            tracking: Where it is.
        """
        self.store = Store(tracking)
        self._artifacts = Path(tracking.artifacts)

    def versions(self) -> list[Version]:
        """All versions, newest first; empty when nothing was ever registered."""
        if not self.store.exists():
            return []
        with self.store.session() as client:
            models = client.search_registered_models(f"name = '{MODEL_NAME}'")
            found = client.search_model_versions(f"name = '{MODEL_NAME}'")
        aliases: dict[int, list[str]] = {}
        for alias, number in models[0].aliases.items() if models else ():
            aliases.setdefault(int(number), []).append(alias)
        versions = [read_version(one, aliases.get(int(one.version), ())) for one in found]
        return sorted(versions, key=lambda one: -one.number)

    def look_up(self, wanted: str) -> Version | None:
        """A version by number or alias; None when there is none."""
        if not self.store.exists():
            return None
        from mlflow.exceptions import MlflowException

        with self.store.session() as client:
            try:
                if wanted.isdecimal():
                    found = client.get_model_version(MODEL_NAME, wanted)
                else:
                    found = client.get_model_version_by_alias(MODEL_NAME, wanted)
            except MlflowException as error:
                if error.error_code not in _ABSENT:
                    raise
                return None
        return read_version(found, found.aliases)

    def find(self, wanted: str) -> Version:
        """A version by number or alias.

        Raises:
            NoChampionError: "champion" was asked for and nothing has been promoted.
            RegistryError: There is no such version.
        """
        version = self.look_up(wanted)
        if version is not None:
            return version
        where = f"{MODEL_NAME} in {self.store.name}"
        if wanted == Alias.CHAMPION:
            nominated = self.look_up(Alias.CHALLENGER) is not None
            raise NoChampionError(
                "no detector has been promoted yet", where=where,
                remedy="medfake promote" if nominated else "dvc repro, then medfake promote",
            )  # fmt: skip
        if wanted == Alias.CHALLENGER:
            raise RegistryError("there is no challenger", where=where, received=wanted, remedy=NOMINATE_AGAIN)
        raise RegistryError(
            "there is no such version", where=where, received=wanted, remedy="medfake registry list"
        )  # fmt: skip

    def champion(self) -> Version | None:
        """The version that scans are scored with; None when nothing has been promoted."""
        return self.look_up(Alias.CHAMPION)

    def set_alias(self, alias: Alias, number: int | None) -> None:
        """Move an alias to a version, or take it from whichever has it."""
        with self.store.session() as client:
            if number is None:
                client.delete_registered_model_alias(MODEL_NAME, alias)
            else:
                client.set_registered_model_alias(MODEL_NAME, alias, str(number))

    def known(self, package: Path, metric: str) -> int | None:
        """The newest version of the very same package, measured by the same figure, whose files are still there.

        Args:
            package: Folder with detector.onnx and card.json.
            metric: The validation figure that promotion will compare.
        """
        wanted = (package_sha256(package), read_card(package).dataset_sha256, metric)
        for version in self.versions():
            if (version.package_sha256, version.dataset_sha256, version.metric) == wanted:
                try:
                    self.package(version)
                except RegistryError:
                    continue
                return version.number
        return None

    def register(self, package: Path, metric: str) -> int:
        """Log a package as a pyfunc under its training's run and register it.

        A package whose run is not in this store (it came with `dvc pull`, or the store is new) gets a run of its own.

        Args:
            package: Folder with detector.onnx and card.json.
            metric: The validation figure that promotion will compare.

        Returns:
            The new version's number.

        Raises:
            ExportMismatchError: The card does not vouch for agreement within 1e-4.
            RegistryError: It is no detector of tampering.
        """
        card = read_card(package)
        require_detector(card, package)
        require_agreement(card, package)
        run_id, model_uri, files = log_package(self.store, package, card)
        with self.store.session() as client:
            if not client.search_registered_models(f"name = '{MODEL_NAME}'"):
                about = "Detectors of tampered chest CT. Research use only."
                client.create_registered_model(MODEL_NAME, description=about)
            version = client.create_model_version(
                MODEL_NAME, model_uri, run_id=run_id, tags=version_tags(card, package, metric, files),
                model_id=model_uri.rpartition("/")[2],  # a server asks for it, to see who may read the files
                description=described(card, package),
            )  # fmt: skip
            return int(version.version)

    def package(self, version: Version) -> Path:
        """Folder with the version's detector.onnx and card.json, which are those that were registered.

        Raises:
            RegistryError: The files are gone, or they are others than those that were registered.
        """
        return require_unaltered(self.files(version), version)

    def files(self, version: Version) -> Path:
        """The same folder, whatever became of its files; a copy where the store is remote, fetched once.

        Stores keep absolute paths. When nothing is left at such a path, the project was moved, and the files are looked
        for below the folder of artifacts that the study names.

        Raises:
            RegistryError: The files are gone; or they are remote, and are others than those that were registered.
        """
        with self.store.session() as client:
            stored = urlparse(client.get_model_version_download_uri(MODEL_NAME, str(version.number)))
            if stored.scheme not in ("", "file"):
                return fetched(version, lambda folder: self._download(version, folder))
        there = Path(unquote(stored.path))
        for folder in (there, self._artifacts.joinpath(*there.parts[-3:])):  # models/<id>/artifacts
            if is_package(folder / PACKAGE):
                return folder / PACKAGE
        raise RegistryError(
            "the files of this version are gone",
            where=there,
            received=f"{MODEL_NAME} version {version.number}",
            remedy=f"put the folder back, or register the best detector anew: {NOMINATE_AGAIN}",
        )

    def _download(self, version: Version, folder: Path) -> Path:
        import mlflow

        folder.mkdir()
        uri = f"models:/{MODEL_NAME}/{version.number}"
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(folder)))

    def tell(self, version: Version, tags: Mapping[str, str], *, instead_of: str) -> None:
        """Write tags of a version.

        Args:
            version: Whose.
            tags: By name.
            instead_of: Tags of the version that begin so and are not among `tags` are removed.
        """
        with self.store.session() as client:
            number = str(version.number)
            for name in client.get_model_version(MODEL_NAME, number).tags:
                if name.startswith(instead_of) and name not in tags:
                    client.delete_model_version_tag(MODEL_NAME, number, name)
            for name, value in tags.items():
                client.set_model_version_tag(MODEL_NAME, number, name, value)

    def decisions(self) -> list[ledger.Decision]:
        """All decisions about champions, oldest first."""
        if not self.store.exists():
            return []
        with self.store.session() as client:
            return ledger.read(client)

    def record(self, decision: ledger.Decision) -> None:
        """Append a decision to the ledger; to be done in one's turn."""
        with self.store.session() as client:
            ledger.append(client, decision)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Let one decision at a time into the block, whatever machine it is taken on.

        Raises:
            RegistryError: Nothing was ever registered.
        """
        with self.store.session() as client, turn(client):
            yield
