"""How the service is: which detector scores, whether it lives and can score, and what Prometheus counts."""

import json
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from medfake.package.card import CARD_FILE, INTENDED_USE
from medfake.serving.scoring.served_model import calibration_of
from medfake.serving.service.answers import refused, service_of
from medfake.serving.service.contract import Health, ModelAnswer, RegistryAnswer
from medfake.serving.service.metrics import CONTENT_TYPE
from medfake.serving.service.refusals import UnavailableError

router = APIRouter(tags=["state"])


@router.get("/v1/model", responses=refused(401, 403, 503))
def get_model(request: Request) -> ModelAnswer:
    """Which detector scores and why, its card, and how the registry stands."""
    service = service_of(request)
    package, standing = service.pool.package, service.detectors.standing
    if package is None:
        raise UnavailableError(
            "there is no detector yet", where="/v1/model", received=standing.said or standing.state,
            remedy="GET /readyz says when there is one", retry_after_s=2,
        )  # fmt: skip
    card = json.loads((Path(package.folder) / CARD_FILE).read_text(encoding="utf-8"))
    calibration = calibration_of(package)
    return ModelAnswer(
        name=package.name,
        chosen=package.chosen,
        since=package.since,
        package_sha256=package.digest,
        card=card,
        calibration=calibration.model_dump(mode="json") if calibration else None,
        registry=RegistryAnswer(state=standing.state, said=standing.said, checked=standing.checked),
        intended_use=card.get("intended_use", INTENDED_USE),
    )


@router.get("/healthz")
def get_health() -> Health:
    """Whether the process lives."""
    return Health(status="ok")


@router.get("/readyz", responses={503: {"model": Health}}, response_model=Health)
def get_readiness(request: Request) -> Response:
    """Whether scans can be scored: a scoring process is up and has a detector."""
    service = service_of(request)
    standing = service.detectors.standing
    if service.stopping:
        return _not_ready("the service is stopping")
    if service.pool.package is None:
        return _not_ready(standing.said or "the detector is being loaded")
    if not service.pool.ready:
        return _not_ready("a scoring process is being started")
    return JSONResponse(Health(status="ok", reason=standing.said or None).model_dump())


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}, **refused(401, 403)})
def get_metrics(request: Request) -> Response:
    """Counts for Prometheus."""
    service = service_of(request)
    text = service.metrics.text(service.store.counts(), service.pool.package, service.detectors.standing)
    return Response(text, headers={"Content-Type": CONTENT_TYPE})


def _not_ready(reason: str) -> Response:
    return JSONResponse(Health(status="not ready", reason=reason).model_dump(), 503, {"Retry-After": "2"})
