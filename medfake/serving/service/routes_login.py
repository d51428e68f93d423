"""Browsers show a token once and get a signed cookie; where no tokens are set nobody has to."""

import json
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from medfake.serving.service.answers import refused, service_of
from medfake.serving.service.contract import Token
from medfake.serving.service.door import LOGIN
from medfake.serving.service.refusals import RefusalError, TooLargeError, UnauthorizedError
from medfake.serving.service.tokens import COOKIE, SESSION_S

router = APIRouter(tags=["login"])
_FORM = "application/x-www-form-urlencoded"
_LARGEST = 4096  # bytes
_BODY = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": Token.model_json_schema()} for kind in ("application/json", _FORM)},
    }
}


@router.post(LOGIN, status_code=204, responses=refused(400, 401, 403, 413), openapi_extra=_BODY, response_model=None)
async def login(request: Request) -> Response:
    """Show a token, as JSON or as a form, which is sent on to the first page; a session lasts 12 hours."""
    service = service_of(request)
    is_form = request.headers.get("content-type", "").startswith(_FORM)
    name = service.settings.tokens.name_of(_token(await _body(request), is_form=is_form))
    if name is None and is_form:
        return RedirectResponse(f"{LOGIN}?refused=1", 303)
    if name is None:
        raise UnauthorizedError(
            "this is no token of the service", where="token", remedy="ask whoever runs the service for one"
        )
    response = RedirectResponse("/", 303) if is_form else Response(status_code=204)
    response.set_cookie(
        COOKIE, service.sessions.begin(name), max_age=SESSION_S, httponly=True, samesite="strict",
        secure=service.settings.encrypted, path="/",
    )  # fmt: skip
    return response


@router.post("/logout", status_code=303, responses=refused(401, 403), response_model=None)
def logout() -> Response:
    """End the session of this browser."""
    response = RedirectResponse(LOGIN, 303)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            raise TooLargeError("a token is shorter than that", where="body", remedy="send the token alone")
    return bytes(body)


def _token(body: bytes, *, is_form: bool) -> str:
    try:
        if is_form:
            return parse_qs(body.decode("ascii"))["token"][0]
        return Token.model_validate(json.loads(body)).token
    except (ValueError, KeyError, RecursionError):
        raise RefusalError(
            "the body holds no token", where="body", remedy='{"token": "..."} as application/json'
        ) from None
