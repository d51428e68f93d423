"""params.yaml as a typed, validated model; the only reader of that file."""

from medfake.config.banks import BankParams
from medfake.config.datasets import (
    AnyLabelling,
    AugmentParams,
    BalanceParams,
    DatasetParams,
    ExpectedCounts,
    ExtentLabelling,
    ForgedParams,
    Identifiers,
    NeighboursLabelling,
    NodulesLabelling,
    PhantomParams,
    PublishedParams,
    SourceParams,
    SplitParams,
    UnknownLabels,
    ViewParams,
)
from medfake.config.drop import DropParams
from medfake.config.explain import ExplainParams, OcclusionParams
from medfake.config.generators import DcganParams
from medfake.config.inpainters import GanParams, InpainterParams, VaeParams
from medfake.config.measure import MeasureParams
from medfake.config.probes import ProbesParams
from medfake.config.promote import PromoteParams
from medfake.config.reading import PARAMS_FILE, load_params, validate, with_options
from medfake.config.robustness import RobustnessParams
from medfake.config.section import ChoosingMetric, Fraction, Name, Positive, Section
from medfake.config.stacks import StackParams
from medfake.config.study import (
    EvaluationParams,
    FixedThreshold,
    NominateParams,
    Params,
    RepeatParams,
    TrackingParams,
    TrainParams,
    WorkersParams,
)
from medfake.config.tune import Choices, Span, TuneParams

__all__ = [
    "PARAMS_FILE",
    "AnyLabelling",
    "AugmentParams",
    "BalanceParams",
    "BankParams",
    "Choices",
    "ChoosingMetric",
    "DatasetParams",
    "DcganParams",
    "DropParams",
    "EvaluationParams",
    "ExpectedCounts",
    "ExplainParams",
    "ExtentLabelling",
    "FixedThreshold",
    "ForgedParams",
    "Fraction",
    "GanParams",
    "Identifiers",
    "InpainterParams",
    "MeasureParams",
    "Name",
    "NeighboursLabelling",
    "NodulesLabelling",
    "NominateParams",
    "OcclusionParams",
    "Params",
    "PhantomParams",
    "Positive",
    "ProbesParams",
    "PromoteParams",
    "PublishedParams",
    "RepeatParams",
    "RobustnessParams",
    "Section",
    "SourceParams",
    "Span",
    "SplitParams",
    "StackParams",
    "TrackingParams",
    "TrainParams",
    "TuneParams",
    "UnknownLabels",
    "VaeParams",
    "ViewParams",
    "WorkersParams",
    "load_params",
    "validate",
    "with_options",
]
