"""params.yaml as a typed, validated model; the only reader of that file."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from medfake.errors import ConfigError

PARAMS_FILE = Path("params.yaml")

Model = TypeVar("Model", bound=BaseModel)
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A block of params.yaml: unknown keys are refused, values are never coerced from text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PhantomParams(Section):
    """A built-in phantom set: patients of the LIDC-like tree and scans of the CT-GAN tree."""

    seed: int = Field(ge=0)
    reals: int = Field(ge=1, description="patients of the LIDC-like tree")
    fakes: dict[Literal["FM", "FB", "TM", "TB"], Annotated[int, Field(ge=0)]] = Field(
        description="scans of the CT-GAN tree, by type"
    )
    slices: int = Field(ge=16, description="slices a scan")
    scanners: list[str] | None = Field(default=None, description="names of simulated scanners; null for all")


class ForgedParams(Section):
    """Fakes that tamper/ makes out of real scans."""

    seed: int = Field(ge=0)
    reals: str = Field(description="folder of real scans")
    scans_per_patient: int = Field(ge=1)
    manipulations: list[Literal["injection", "removal"]] = Field(min_length=1)


class SourceParams(Section):
    """A folder of scans and the kind of tree it is."""

    kind: Literal["ct_gan", "lidc", "folder"]
    path: str


class ExtentLabelling(Section):
    """Tampered within `tampered_mm` of a site; up to `ignore_mm` left out."""

    rule: Literal["extent"]
    tampered_mm: float = Field(gt=0)
    ignore_mm: float = Field(gt=0)

    @model_validator(mode="after")
    def _band_has_width(self) -> "ExtentLabelling":
        if self.ignore_mm < self.tampered_mm:
            message = f"ignore_mm must be at least tampered_mm, but got {self.ignore_mm} < {self.tampered_mm}"
            raise ValueError(message)
        return self


class NeighboursLabelling(Section):
    """Tampered within `k` slices of a labelled one (the papers use 5)."""

    rule: Literal["neighbours"]
    k: int = Field(ge=0)


class SplitParams(Section):
    """How patients are dealt to train, val and test."""

    protocol: Literal["grouped"]
    val: Fraction
    test: Fraction
    seed: int = Field(ge=0)

    @model_validator(mode="after")
    def _train_remains(self) -> "SplitParams":
        if self.val + self.test >= 1:
            message = f"val + test must leave something to train on, but got {self.val} + {self.test}"
            raise ValueError(message)
        return self


class BalanceParams(Section):
    """50:50 by down-sampling the larger class of every split."""

    tolerance: float = Field(ge=0, lt=0.5, description="largest allowed |share of tampered - 0.5|")
    seed: int = Field(ge=0)


class DatasetParams(Section):
    """Where a data set's slices come from and the rules they pass through."""

    reals: SourceParams
    fakes: SourceParams
    identifiers: Literal["public", "private"] = Field(
        description="public: pseudonyms that agree on every machine, for sets that anyone may download; "
        "private: pseudonyms under a secret key of this machine"
    )
    labelling: Annotated[ExtentLabelling | NeighboursLabelling, Field(discriminator="rule")]
    split: SplitParams
    balance: BalanceParams


class TrainParams(Section):
    """The matrix of trainings: every data set x detector x seed."""

    datasets: list[Name] = Field(min_length=1)
    detectors: list[str] = Field(min_length=1)
    seeds: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)


class EvaluationParams(Section):
    """Intervals and the threshold."""

    bootstrap: int = Field(ge=100, description="resamples over patients")
    confidence: Fraction
    seed: int = Field(ge=0)


class NominateParams(Section):
    """What makes a detector the challenger; read on the validation split only."""

    metric: Literal["auc", "h", "accuracy", "f1"]


class TrackingParams(Section):
    """Where MLflow keeps runs and models."""

    uri: str
    artifacts: str
    experiment: Name


class Params(Section):
    """The whole of params.yaml."""

    study: Name
    phantom: dict[Name, PhantomParams]
    forged: dict[Name, ForgedParams]
    datasets: dict[Name, DatasetParams] = Field(min_length=1)
    detectors: dict[str, dict[str, Any]] = Field(min_length=1, description="options by detector name")
    train: TrainParams
    evaluation: EvaluationParams
    nominate: NominateParams
    tracking: TrackingParams

    @model_validator(mode="after")
    def _train_names_exist(self) -> "Params":
        for kind in ("datasets", "detectors"):
            known = getattr(self, kind)
            for name in getattr(self.train, kind):
                if name not in known:
                    near = _did_you_mean(name, known)
                    message = f"train.{kind} names {name!r}, which has no block under {kind}{near}"
                    raise ValueError(message)
        return self


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read and validate params.yaml.

    Args:
        path: The file, params.yaml of the working folder unless told otherwise.

    Raises:
        ConfigError: The file is missing, is no YAML, or has a wrong key, type or value; the message names the key, the
            value, what was expected and a near match.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"there is no {path.name} here", where=path.absolute().parent, remedy="cd into a medfake project"
        ) from None
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise ConfigError(
            f"{path.name} is not valid YAML",
            where=place,
            received=getattr(error, "problem", None),
            remedy=f"edit {place}",
        ) from None
    return validate(Params, values, path.name)


def validate(model: type[Model], values: object, where: str, at: tuple[str, ...] = ()) -> Model:
    """Check values against a pydantic model and say in plain words what is wrong.

    Args:
        model: What is expected.
        values: What was read.
        where: The file they were read from, for the message.
        at: Key path in that file where the values stand.

    Raises:
        ConfigError: The first five faults: key, value, expectation, near match.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        lines = [_fault(model, fault, at) for fault in faults[:5]]
        lines += [f"... and {len(faults) - 5} more"] if len(faults) > 5 else []
        raise ConfigError(
            "; ".join(lines), where=where, remedy=f"edit {where} and run the same command again"
        ) from error


def _fault(model: type[BaseModel], fault: Any, at: tuple[str, ...]) -> str:  # pydantic's ErrorDetails is a TypedDict
    location = [str(part) for part in fault["loc"] if part not in ("extent", "neighbours")]
    key = ".".join([*at, *location]) or "the file"
    if fault["type"] == "extra_forbidden":
        known = _keys_at(model, fault["loc"][:-1])
        near = _did_you_mean(location[-1], known)
        return f"unknown key {key} = {fault['input']!r}{near}; expected one of {sorted(known)}"
    if fault["type"] == "missing":
        return f"missing key {key}"
    message = fault["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if fault["type"] == "value_error":
        return message if not location else f"{key}: {message}"
    allowed = fault.get("ctx", {}).get("expected", "").replace("'", "").replace(" or ", ", ").split(", ")
    near = _did_you_mean(fault["input"], allowed)
    return f"{key} = {fault['input']!r}: {message}{near}"


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> set[str]:
    """Keys that the model allows at a location of a pydantic error."""
    here: set[type[BaseModel]] = {model}
    for part in location:
        found: set[type[BaseModel]] = set()
        for candidate in here:
            field = candidate.model_fields.get(str(part))
            found |= _models_in(field.annotation) if field is not None else {candidate}
        here = found or here
        here = {tagged for tagged in here if part in get_args(_rule_of(tagged))} or here
    return {name for candidate in here for name in candidate.model_fields}


def _rule_of(model: type[BaseModel]) -> Any:
    """Annotation of the field that tells labelling rules apart, None for other blocks."""
    field = model.model_fields.get("rule")
    return field.annotation if field is not None else None


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    if get_origin(annotation) in (Union, UnionType, Annotated, dict, list):
        return {model for part in get_args(annotation) for model in _models_in(part)}
    return set()


def _did_you_mean(received: object, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(received), list(known), n=1, cutoff=0.6)
    return f", did you mean {near[0]!r}?" if near else ""
