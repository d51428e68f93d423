"""The tracking server that the environment names, which counts before params.yaml, as it does for MLflow's commands."""

import os
from typing import Final

from pydantic import ValidationError

from medfake.config.study import Params, TrackingParams
from medfake.errors import ConfigError

SERVER_VARIABLE: Final = "MLFLOW_TRACKING_URI"
_NOWHERE: Final = TrackingParams(uri="http://127.0.0.1:5000", artifacts="mlartifacts", experiment="medfake")
"""What counts beside the address where there is no params.yaml."""


def on_server(params: Params) -> Params:
    """Params with the address that MLFLOW_TRACKING_URI holds, if it is set.

    Raises:
        ConfigError: It holds no address.
    """
    tracking = _addressed(params.tracking)
    return params if tracking is None else params.model_copy(update={"tracking": tracking})


def server_of_environment() -> TrackingParams | None:
    """The store at the address that MLFLOW_TRACKING_URI holds, for whoever has no project; None where it is not set.

    Raises:
        ConfigError: It holds no address.
    """
    return _addressed(_NOWHERE)


def _addressed(tracking: TrackingParams) -> TrackingParams | None:
    uri = os.environ.get(SERVER_VARIABLE)
    if not uri:
        return None
    try:
        return TrackingParams.model_validate(tracking.model_dump() | {"uri": uri})
    except ValidationError:
        raise ConfigError(
            "the tracking server is no address", where=SERVER_VARIABLE, received=uri[:80],
            remedy=f"export {SERVER_VARIABLE}=https://mlflow.example.org, or unset {SERVER_VARIABLE}",
        ) from None  # fmt: skip
