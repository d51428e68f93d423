"""What a `measure` block of params.yaml chooses by name, checked by whoever registered the name."""

from collections.abc import Mapping

from medfake.config import MeasureParams
from medfake.datasets.sources.registry import SOURCES
from medfake.robustness.registry import PERTURBATIONS, Perturbation


def require_chosen(measured: Mapping[str, MeasureParams]) -> None:
    """Check kinds of sources and perturbations.

    Raises:
        ConfigError: Nothing has such a name; the full key, the value and a near match are told.
    """
    for name, one in measured.items():
        for side in ("fakes", "reals"):
            SOURCES.require(getattr(one, side).kind, f"measure.{name}.{side}.kind")
        for number, perturbation in enumerate(one.perturbations or []):
            PERTURBATIONS.require(perturbation, f"measure.{name}.perturbations.{number}")


def chosen_perturbations(params: MeasureParams) -> list[Perturbation]:
    """Those that a block asks for, in its order; all by name where it says nothing."""
    names = list(PERTURBATIONS) if params.perturbations is None else params.perturbations
    return [PERTURBATIONS[name] for name in names]
