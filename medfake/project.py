"""The project that a command works in: its folders, its params, its store of runs; found from any folder below it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from medfake.config import (
    PARAMS_FILE,
    DatasetParams,
    EvaluationParams,
    Params,
    PromoteParams,
    TrackingParams,
    load_params,
)
from medfake.config.paths import Roots, anchor
from medfake.config.server import on_server
from medfake.errors import ConfigError
from medfake.private_folders import PRIVATE

STAGES_FILE = Path("dvc.yaml")
_TEMPORARY = (".dvc", "tmp", "exps")  # where DVC copies a project to, for `dvc exp run --temp` and `--queue`

Block = TypeVar("Block")


@dataclass(frozen=True)
class Project:
    """A folder with params.yaml and dvc.yaml, whose stages write below it.

    Attributes:
        root: Absolute.
    """

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> "Project":
        """The project that a folder belongs to.

        Args:
            start: The working folder when left out.

        Raises:
            ConfigError: Neither the folder nor one above it has params.yaml and dvc.yaml.
        """
        project = cls.around(start)
        if project is None:
            raise ConfigError(
                f"there is no medfake project here: no {PARAMS_FILE} beside a {STAGES_FILE}",
                where=(start or Path.cwd()).absolute(), remedy="cd into a medfake project",
            )  # fmt: skip
        return project

    @classmethod
    def around(cls, start: Path | None = None) -> "Project | None":
        """The project that a folder belongs to, for what works outside of one, too; arguments as for `find`."""
        here = (start or Path.cwd()).absolute()
        for folder in (here, *here.parents):
            if (folder / PARAMS_FILE).is_file() and (folder / STAGES_FILE).is_file():
                return cls(folder)
        return None

    @property
    def home(self) -> Path:
        """The project itself, where this one is the temporary copy in which DVC runs an experiment."""
        for folder in self.root.parents:
            if folder.parts[-3:] == _TEMPORARY:
                return folder.parents[2]
        return self.root

    @property
    def params_file(self) -> Path:
        """The study that `dvc repro` runs."""
        return self.root / PARAMS_FILE

    @property
    def studies(self) -> Path:
        """Named studies."""
        return self.root / "studies"

    @property
    def raw(self) -> Path:
        """Trees of DICOM files: what `phantom` and `forge` write, and by custom what is downloaded."""
        return self.root / "data" / "raw"

    @property
    def scans(self) -> Path:
        """Headers and labels, a folder a data set."""
        return self.root / "data" / "scans"

    @property
    def slices(self) -> Path:
        """Manifests and shards, a folder a data set."""
        return self.root / "data" / "slices"

    @property
    def inpainters(self) -> Path:
        """Learned inpainters, a folder each."""
        return self.root / "data" / "inpainters"

    @property
    def generators(self) -> Path:
        """Generators of whole slices, a folder each."""
        return self.root / "data" / "generators"

    def inpainters_of(self, names: Sequence[str]) -> list[Path]:
        """Folders of inpainters by name."""
        return [self.inpainters / name for name in names]

    @property
    def banks(self) -> Path:
        """Banks of manipulated slices, a folder a bank."""
        return self.root / "data" / "banks"

    @property
    def models(self) -> Path:
        """Packages of the matrix of trainings."""
        return self.root / "models"

    @property
    def repeated(self) -> Path:
        """Packages of the seeds that only the best detectors have."""
        return self.root / "repeated"

    @property
    def stacked(self) -> Path:
        """Packages of stacks of detectors."""
        return self.root / "stacked"

    @property
    def reports(self) -> Path:
        """What people read."""
        return self.root / "reports"

    @property
    def checks(self) -> Path:
        """Reports of the guards, by data set."""
        return self.reports / "checks"

    @property
    def neighbours(self) -> Path:
        """Strips of the slices around labelled ones, a folder a data set."""
        return self.reports / "neighbours"

    @property
    def probes(self) -> Path:
        """Reports of the probes, by data set."""
        return self.reports / "probes"

    @property
    def class_rows(self) -> Path:
        """Pictures of slices by class, a folder a data set."""
        return self.reports / "class_rows"

    @property
    def forensics(self) -> Path:
        """What packages found on scans that they had not learnt from, by name of the measurement."""
        return self.reports / "forensics"

    @property
    def drops(self) -> Path:
        """What detectors of nodules lose on deepfakes, by name of the measurement."""
        return self.reports / "drop"

    @property
    def generator_reports(self) -> Path:
        """How trainings of generators went, a folder a generator."""
        return self.reports / "generators"

    def explanation_of(self, dataset: str, detector: str, seed: int) -> Path:
        """What stage `explain` found about a training of the matrix."""
        return package_folder(self.reports / "explain", dataset, detector, seed)

    @property
    def robustness(self) -> Path:
        """What perturbations take from detectors, by data set."""
        return self.reports / "robustness"

    @property
    def repeated_metrics(self) -> Path:
        """Metrics of repeated trainings for DVC."""
        return self.reports / "repeated.json"

    @property
    def timings(self) -> Path:
        """How long a step of each package takes on this machine."""
        return self.reports / "timings.json"

    @property
    def latent(self) -> Path:
        """What the layer before the last makes of test slices, by data set."""
        return self.reports / "latent"

    @property
    def blanked(self) -> Path:
        """What trainings reach with the site blanked, by data set."""
        return self.reports / "blanked"

    @property
    def nomination(self) -> Path:
        """What stage `nominate` wrote."""
        return self.reports / "nomination.json"

    @property
    def tracked(self) -> Path:
        """What stage `track` wrote."""
        return self.reports / "tracking.json"

    @property
    def private(self) -> Path:
        """What is this machine's alone; experiments share it."""
        return self.home / PRIVATE

    @property
    def tuning(self) -> Path:
        """State of searches; experiments share it, as they share the store that it refers to."""
        return self.private / "tune"

    @property
    def dvc_lock(self) -> Path:
        """What `dvc repro` made last."""
        return self.root / "dvc.lock"

    def features_of(self, dataset: str, detector: str) -> Path:
        """Where the pooled features of a frozen backbone lie."""
        return self.root / "data" / "features" / dataset / detector

    def package_of(self, dataset: str, detector: str, seed: int) -> Path:
        """Where the package of a training of the matrix lies."""
        return package_folder(self.models, dataset, detector, seed)

    @property
    def stacked_metrics(self) -> Path:
        """Where the metrics of stacks lie that DVC compares."""
        return self.reports / "stacked.json"

    def metrics_of(self, dataset: str, detector: str, seed: int) -> Path:
        """Where the metrics of a training of the matrix lie that DVC compares."""
        return package_folder(self.reports / "trainings", dataset, detector, seed).with_suffix(".json")

    def losses_of(self, dataset: str, detector: str, seed: int) -> Path:
        """Where the loss curves of a training of the matrix lie that DVC plots."""
        return self.metrics_of(dataset, detector, seed).with_name(f"seed-{seed}-loss.json")

    def interrupted_file(self, dataset: str, detector: str, seed: int) -> Path:
        """Where a training keeps what it needs to go on after it was cut short; outside of what DVC removes."""
        return self.root / PRIVATE / "interrupted" / f"{dataset}-{detector}-{seed}.npz"

    @cached_property
    def params(self) -> Params:
        """params.yaml, validated whole, its relative paths made absolute.

        Raises:
            ConfigError: A wrong key, type or value anywhere in the file, so that the first stage says it, not the last.
            UnknownDetectorError: It names a detector that there is not.
        """
        return self.read_params(self.params_file)

    @cached_property
    def tracking(self) -> TrackingParams:
        """Where MLflow keeps runs and models; detectors and sources that params.yaml names are not asked for it.

        MLFLOW_TRACKING_URI, where it is set, is the address instead of `tracking.uri`.

        Raises:
            ConfigError: A key or type is wrong anywhere in the file.
        """
        return anchor(on_server(load_params(self.params_file)), Roots(self.home, self.root)).tracking

    @property
    def promote(self) -> PromoteParams:
        """What a version has to reach to become champion, likewise; the defaults where there is no params.yaml."""
        return load_params(self.params_file).promote if self.params_file.is_file() else PromoteParams()

    @property
    def evaluation(self) -> EvaluationParams | None:
        """How intervals are made, likewise; None where there is no params.yaml."""
        return load_params(self.params_file).evaluation if self.params_file.is_file() else None

    @property
    def study(self) -> str:
        """Name of the study in params.yaml, likewise."""
        return load_params(self.params_file).study

    def read_params(self, path: Path) -> Params:
        """Any params file as if it were this project's; the one door to validated params.

        Raises:
            ConfigError: As `params`.
            UnknownDetectorError: As `params`.
        """
        from medfake.datasets.chosen import validate_chosen
        from medfake.detectors.registry import DETECTORS, validate_options
        from medfake.detectors.search_space import require_space
        from medfake.reports.papers import require_published
        from medfake.robustness.chosen import require_chosen, require_grid

        params = on_server(validate_chosen(load_params(path)))
        roots = Roots(self.home, self.root)
        require_chosen(params.measure)
        require_published(params)
        require_grid(params.robustness)
        for name, stack in params.stacks.items():
            for place, member in enumerate(stack.of):
                DETECTORS.require(member, f"stacks.{name}.of.{place}")
        detectors = {}
        for name, values in params.detectors.items():
            options = validate_options(name, values)
            detectors[name] = {key: getattr(anchor(options, roots), key) if isinstance(value, str) else value
                               for key, value in values.items()}  # fmt: skip
        for name, space in params.tune.space.items():
            require_space(name, space, params.detectors.get(name, {}))
        return anchor(params, roots).model_copy(update={"detectors": detectors})

    def dataset(self, name: str) -> DatasetParams:
        """A data set's block of params.yaml.

        Raises:
            ConfigError: There is no such block; those that there are, are named.
        """
        return block(self.params.datasets, name, "datasets")

    def first_packages(self) -> list[Path]:
        """Packages of the matrix of trainings, in the order of params.yaml, whether they are there or not."""
        return [self.package_of(*training) for training in trainings(self.params)]

    def packages(self) -> list[Path]:
        """Packages of the matrix of trainings, in the order of params.yaml, then repeated ones, then stacks."""
        further = [
            path.parent for root in (self.repeated, self.stacked) for path in sorted(root.glob("*/*/seed-*/card.json"))
        ]
        return [*self.first_packages(), *further]


def package_folder(root: Path, dataset: str, detector: str, seed: int) -> Path:
    """Where one training's package lies below a folder of packages."""
    return root / dataset / detector / f"seed-{seed}"


def trainings(params: Params) -> Iterator[tuple[str, str, int]]:
    """The matrix of trainings: data set, detector and seed, in the order of params.yaml."""
    for dataset in params.train.datasets:
        for detector in params.train.detectors:
            for seed in params.train.seeds:
                yield dataset, detector, seed


def block(blocks: Mapping[str, Block], name: str, key: str) -> Block:
    """A named block of params.yaml.

    Raises:
        ConfigError: There is no such block; those that there are, are named.
    """
    if name not in blocks:
        raise ConfigError(
            f"params.yaml has no block {key}.{name}", where="params.yaml", received=name,
            remedy=f"choose among {', '.join(blocks) or 'none'}",
        )  # fmt: skip
    return blocks[name]
