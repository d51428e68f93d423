"""The whole of params.yaml."""

import os
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from medfake.by_name import did_you_mean
from medfake.config.banks import BankParams
from medfake.config.datasets import DatasetParams, ForgedParams, PhantomParams
from medfake.config.drop import DropParams
from medfake.config.explain import ExplainParams
from medfake.config.generators import AnyGenerator
from medfake.config.inpainters import AnyInpainter
from medfake.config.measure import MeasureParams
from medfake.config.paths import FromRoot
from medfake.config.probes import ProbesParams
from medfake.config.promote import PromoteParams
from medfake.config.robustness import RobustnessParams
from medfake.config.section import ChoosingMetric, Fraction, Name, Section, Word
from medfake.config.stacks import StackParams
from medfake.config.tune import TuneParams
from medfake.vocabulary import PositiveClass, Task


class RepeatParams(Section):
    """The best detectors of the first seeds, trained again with others (Alsabbagh and Al-Kadi, section 5)."""

    best: int = Field(ge=1, description="detectors of each data set")
    by: ChoosingMetric = Field(description="figure on the validation split that chooses them")
    seeds: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)


class TrainParams(Section):
    """The matrix of trainings: every data set x detector x seed."""

    datasets: list[Name] = Field(min_length=1)
    detectors: list[str] = Field(min_length=1)
    seeds: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)
    repeat: RepeatParams | None = None

    @model_validator(mode="after")
    def _repeats_are_others(self) -> "TrainParams":
        both = sorted(set(self.seeds) & set(self.repeat.seeds)) if self.repeat else []
        if both:
            message = f"train.repeat.seeds must be other seeds than train.seeds, but both have {both}"
            raise ValueError(message)
        return self


class FixedThreshold(Section):
    """A threshold of slices that nothing chooses."""

    fixed: Fraction = Field(description="P(tampered) from which on a slice counts as tampered")


class EvaluationParams(Section):
    """Intervals, the threshold of slices and the class that figures are of."""

    bootstrap: int = Field(ge=100, description="resamples over patients")
    confidence: Fraction
    seed: int = Field(ge=0)
    positive: Annotated[PositiveClass, Word] = Field(
        default=PositiveClass.TAMPERED,
        description="class that precision, recall, specificity, F1, H and fall-out are of; scores stay P(tampered)",
    )
    threshold: Literal["youden"] | FixedThreshold = Field(
        default="youden",
        description="of slices: highest balanced accuracy on validation, or one for all detectors, as {fixed: 0.5}",
    )

    @field_validator("threshold", mode="before")
    @classmethod
    def _is_a_rule(cls, rule: object) -> object:
        """Said here, as pydantic would name both kinds of rule and keys that no file has."""
        if rule == "youden" or isinstance(rule, FixedThreshold):
            return rule
        if (
            isinstance(rule, dict)
            and set(rule) == {"fixed"}
            and isinstance(rule["fixed"], float)
            and 0 < rule["fixed"] < 1
        ):
            return rule
        message = f"should be youden, or fixed with a number above 0 and below 1 as {{fixed: 0.5}}, but got {rule!r}"
        raise ValueError(message)

    train_slices: int = Field(
        default=200, ge=0, description="most slices of the train split that are scored, for its accuracy and loss"
    )


class NominateParams(Section):
    """What makes a detector the challenger; read on the validation split only."""

    metric: ChoosingMetric
    dataset: Name | None = Field(
        default=None, description="whose figures decide; null for the first of whole slices that keeps patients apart"
    )


class WorkersParams(Section):
    """Who decodes slices."""

    jobs: int | None = Field(default=None, ge=1, description="processes of this machine; null for all cores")
    dask: str | None = Field(default=None, pattern=r"^(tcp|tls)://", description="address of a Dask scheduler instead")

    @property
    def processes(self) -> int:
        """Processes to use; all cores of this machine where nothing else is said."""
        return self.jobs or os.cpu_count() or 1


class TrackingParams(Section):
    """Where MLflow keeps runs and models."""

    uri: Annotated[str, FromRoot("sqlite:///")]
    artifacts: Annotated[str, FromRoot()]
    experiment: Name

    @field_validator("uri")
    @classmethod
    def _is_an_address(cls, uri: str) -> str:
        if "://" not in uri:  # MLflow would take it for a folder, and keep runs there
            message = f"should be an address such as sqlite:///mlflow.db, but got {uri!r}"
            raise ValueError(message)
        return uri


class Params(Section):
    """The whole of params.yaml."""

    study: Name
    phantom: dict[Name, PhantomParams]
    forged: dict[Name, ForgedParams]
    inpainters: dict[Name, AnyInpainter] = Field(default={}, description="none in studies older than inpainters")
    banks: dict[Name, BankParams] = Field(default={}, description="none in studies older than banks")
    generators: dict[Name, AnyGenerator] = Field(default={}, description="none in studies older than generators")
    datasets: dict[Name, DatasetParams] = Field(min_length=1)
    detectors: dict[str, dict[str, Any]] = Field(min_length=1, description="options by detector name")
    train: TrainParams
    stacks: dict[Name, StackParams] = Field(
        default={}, description="detectors that put together what others say, by a name that no detector has"
    )
    evaluation: EvaluationParams
    nominate: NominateParams
    promote: PromoteParams = PromoteParams()
    tracking: TrackingParams
    workers: WorkersParams = WorkersParams()
    probes: ProbesParams = ProbesParams()
    measure: dict[Name, MeasureParams] = Field(
        default={}, description="packages, and labelled scans that they have not learnt from, by name"
    )
    drop: dict[Name, DropParams] = Field(
        default={}, description="detectors of nodules whose accuracy is measured on deepfakes, by name"
    )
    explain: ExplainParams = ExplainParams()
    robustness: RobustnessParams = RobustnessParams()
    tune: TuneParams = TuneParams()

    @model_validator(mode="after")
    def _inpainters_exist(self) -> "Params":
        for key in ("banks", "forged"):
            for name, block in getattr(self, key).items():
                for inpainter in block.inpainters:
                    if inpainter not in self.inpainters:
                        near = did_you_mean(inpainter, self.inpainters)
                        message = (
                            f"{key}.{name}.inpainters names {inpainter!r}, which has no block under inpainters{near}"
                        )
                        raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _generators_learn_from_a_data_set(self) -> "Params":
        for name, generator in self.generators.items():
            if generator.dataset not in self.datasets:
                near = did_you_mean(generator.dataset, self.datasets)
                message = (
                    f"generators.{name}.dataset names {generator.dataset!r}, which has no block under datasets{near}"
                )
                raise ValueError(message)
            if self.datasets[generator.dataset].task is not Task.NODULES:
                message = (
                    f"generators.{name}.dataset is {generator.dataset}, whose slices are not told apart by nodules: "
                    "set its labelling.rule nodules, so that deepfakes are asked for with and without"
                )
                raise ValueError(message)
            for key in ("phantom", "forged"):
                if name in getattr(self, key):
                    message = f"generators.{name} and {key}.{name} would write into one folder: rename one of them"
                    raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _drops_are_of_one_data_set(self) -> "Params":
        for name, drop in self.drop.items():
            for key, value, known in (
                *(("detectors", one, self.train.detectors) for one in drop.detectors or ()),
                ("dataset", drop.dataset, self.train.datasets),
                ("direct", drop.direct, self.train.datasets),
                ("generator", drop.generator, self.generators),
            ):
                if value is not None and value not in known:
                    where = {"generator": "generators", "detectors": "train.detectors"}.get(key, "train.datasets")
                    message = f"drop.{name}.{key} names {value!r}, which {where} does not have"
                    raise ValueError(message + did_you_mean(value, known))
            learnt = self.generators[drop.generator].dataset
            own, other = self.datasets[drop.dataset], self.datasets[learnt]
            if own.task is not Task.NODULES or own.reals != other.reals:
                message = (
                    f"drop.{name}: {drop.generator} learnt the classes of data set {learnt}, and detectors of "
                    f"{drop.dataset} know others: name {learnt}, or another data set of rule nodules and its scans"
                )
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _train_names_exist(self) -> "Params":
        for kind in ("datasets", "detectors"):
            known = getattr(self, kind)
            for name in getattr(self.train, kind):
                if name not in known:
                    near = did_you_mean(name, known)
                    message = f"train.{kind} names {name!r}, which has no block under {kind}{near}"
                    raise ValueError(message)
        for name in self.stacks:
            if name in self.detectors:
                message = f"stacks.{name} has the name of a detector: choose another"
                raise ValueError(message)
        nominated = self.nominate.dataset
        if nominated is not None and nominated not in self.train.datasets:
            near = did_you_mean(nominated, self.train.datasets)
            message = f"nominate.dataset names {nominated!r}, which train.datasets does not have{near}"
            raise ValueError(message)
        return self
