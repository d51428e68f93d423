"""MLflow's web application on a study's store, for this machine alone."""

import os
import warnings
from pathlib import Path

from medfake.config import TrackingParams
from medfake.tracking.comparison_link import comparison_link
from medfake.tracking.store import Store
from mlflow_server.door import TrackingOnly
from mlflow_server.environment import LOOPBACK_NAMES, OFF
from mlflow_server.front_page import with_defaults


def tracking_application(tracking: TrackingParams, study: str) -> TrackingOnly:
    """MLflow's application on a study's store.

    Requests whose Host header names another host are refused, so that no web page can reach it by DNS rebinding; any
    port will do, for a tunnel from another machine has its own.

    Args:
        tracking: The store of params.yaml.
        study: Whose trainings the front page shows, once they are compared.
    """
    os.environ.update(OFF, MLFLOW_SERVER_ALLOWED_HOSTS=",".join(LOOPBACK_NAMES))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own imports are deprecated in places
        from mlflow.server import constants, handlers

        artifacts = tracking.artifacts if "://" in tracking.artifacts else Path(tracking.artifacts).absolute().as_uri()
        os.environ[constants.BACKEND_STORE_URI_ENV_VAR] = tracking.uri
        os.environ[constants.REGISTRY_STORE_URI_ENV_VAR] = tracking.uri
        os.environ[constants.ARTIFACT_ROOT_ENV_VAR] = artifacts
        handlers.initialize_backend_stores(tracking.uri, tracking.uri, artifacts)
        from mlflow.server.fastapi_app import app
    store = Store(tracking)

    def front_page(page: bytes) -> bytes:
        return with_defaults(page, comparison_link(store, study))

    return TrackingOnly(app, front_page)
