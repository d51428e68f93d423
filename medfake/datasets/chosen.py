"""What params.yaml chooses by name, checked by whoever registered the name; the other half of its validation."""

from typing import Any

from medfake.config import DatasetParams, Params
from medfake.datasets.sources.registry import SOURCES
from medfake.datasets.split import is_leaky, split_options
from medfake.datasets.views.registry import require_view_for, view_options
from medfake.errors import ConfigError
from medfake.tamper.learned import require_manipulation
from medfake.tamper.registry import require_made_for
from medfake.vocabulary import Modality, Split


def validate_chosen(params: Params) -> Params:
    """Check sources, views, protocols, manipulations and scanners, and fill up the options of those that have any.

    Raises:
        ConfigError: Nothing has such a name, or one of its options is wrong; the full key, the value and a near match
            are told.
    """
    for name, forged in params.forged.items():
        kinds = [params.inpainters[one].kind for one in forged.inpainters]
        for number, manipulation in enumerate(forged.manipulations):
            key = f"forged.{name}.manipulations.{number}"
            if forged.modality is Modality.CT:
                require_manipulation(manipulation, key, kinds, f"forged.{name}.inpainters")
            else:
                require_made_for(forged.modality, manipulation, key)
    for name, bank in params.banks.items():
        kinds = [params.inpainters[one].kind for one in bank.inpainters]
        for manipulation in bank.manipulations:
            require_manipulation(manipulation, f"banks.{name}.manipulations", kinds, f"banks.{name}.inpainters")
    for name, phantom in params.phantom.items():
        _require_scanners(phantom.modality, phantom.scanners or [], f"phantom.{name}.scanners")
    datasets = {name: _validated(one, ("datasets", name)) for name, one in params.datasets.items()}
    return params.model_copy(update={"datasets": datasets})


def _require_scanners(modality: Modality, names: list[str], key: str) -> None:
    if not names:
        return
    from medfake.phantom.kinds import KINDS  # most commands do without the phantom

    for number, name in enumerate(names):
        KINDS[modality].scanners.require(name, f"{key}.{number}")


def _validated(params: DatasetParams, at: tuple[str, ...]) -> DatasetParams:
    for side in ("reals", "fakes"):
        SOURCES.require(getattr(params, side).kind, ".".join([*at, side, "kind"]))
    chosen: dict[str, Any] = {
        "view": view_options(params.view, (*at, "view")),
        "split": split_options(params.split, (*at, "split")),
    }
    require_view_for(params.modality, params.view, (*at, "view"))
    if params.augment and params.augment.splits != [Split.TRAIN] and not is_leaky(params.split.protocol):
        key = ".".join([*at, "augment.splits"])
        raise ConfigError(
            f"{key} must be [train] under {params.split.protocol}: copies of tested slices would be measured",
            where="params.yaml", received=f"[{', '.join(params.augment.splits)}]", remedy=f"set {key} to [train]",
        )  # fmt: skip
    return params.model_copy(update=chosen)
