"""What params.yaml chooses of perturbations by name, checked by whoever registered the name."""

from collections.abc import Mapping

from medfake.config import MeasureParams, RobustnessParams
from medfake.datasets.sources.registry import SOURCES
from medfake.errors import ConfigError
from medfake.robustness.registry import PERTURBATIONS, Perturbation

Grid = Mapping[Perturbation, tuple[float, ...]]


def require_chosen(measured: Mapping[str, MeasureParams]) -> None:
    """Check kinds of sources and perturbations.

    Raises:
        ConfigError: Nothing has such a name, or it has no one strength; the full key, the value and a near match are
            told.
    """
    for name, one in measured.items():
        for side in ("fakes", "reals"):
            SOURCES.require(getattr(one, side).kind, f"measure.{name}.{side}.kind")
        for number, word in enumerate(one.perturbations or []):
            key = f"measure.{name}.perturbations.{number}"
            if PERTURBATIONS.require(word, key).scale.strength is None:
                raise ConfigError(
                    f"{key} = {word!r} has no one strength", where="params.yaml", received=word,
                    remedy=f"measure it at several: robustness.perturbations.{word}: [...]",
                )  # fmt: skip


def chosen_perturbations(params: MeasureParams) -> list[Perturbation]:
    """Those that a block asks for, in its order; all of one strength by name where it says nothing."""
    if params.perturbations is None:
        return [one for one in PERTURBATIONS.values() if one.scale.strength is not None]
    return [PERTURBATIONS[name] for name in params.perturbations]


def require_grid(params: RobustnessParams) -> None:
    """Check names and severities of a grid.

    Raises:
        ConfigError: Nothing has such a name, a severity is outside of its scale or there twice, or there is none but 0;
            the full key, the value and what is expected are told.
    """
    for name, severities in params.perturbations.items():
        key = f"robustness.perturbations.{name}"
        one = PERTURBATIONS.require(name, key)
        for number, severity in enumerate(severities or []):
            if severity not in one.scale:
                raise _refused(one, f"{key}.{number}", severity)
        if severities is not None and (len(set(severities)) < len(severities) or not any(severities)):
            raise _refused(one, key, severities)


def chosen_grid(params: RobustnessParams) -> Grid:
    """Severities of each perturbation that a grid names, ascending, without 0, which is measured anyway."""
    asked = {PERTURBATIONS[name]: severities for name, severities in params.perturbations.items()}
    return {
        one: tuple(sorted(float(severity) for severity in severities or one.scale.usual if severity != 0))
        for one, severities in asked.items()
    }


def _refused(one: Perturbation, key: str, received: object) -> ConfigError:
    scale = one.scale
    kind = "whole numbers" if scale.whole else "numbers"
    usual = ", ".join(f"{severity:g}" for severity in scale.usual)
    return ConfigError(
        f"{key} = {received}: expected different {kind} from {scale.least:g} to {scale.most:g}, {scale.unit}",
        where="params.yaml", received=received, remedy=f"usual ones are [{usual}]",
    )  # fmt: skip
