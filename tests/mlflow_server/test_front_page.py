import asyncio
from typing import Any

from medfake.tracking.comparison_link import ComparisonLink
from mlflow_server.application import TrackingOnly
from mlflow_server.front_page import with_defaults

PAGE = b"<html><head><title>MLflow</title></head><body></body></html>"
LINK = ComparisonLink("7", "/#/experiments/7/runs?viewStateShareKey=a", saved=True, study_run="abc")


def test_a_new_browser_is_told_of_model_training_before_mlflows_own_script() -> None:
    page = with_defaults(PAGE, None).decode()
    assert page.index('"mlflow.workflowType_v1": "\\"machine_learning\\""') < page.index("</head>")
    assert "getItem(key) === null" in page  # whoever chose otherwise keeps it
    assert "[data-assistant-ui]" in page
    assert "ExperimentPage" not in page


def test_the_list_of_runs_shows_metrics_at_first_and_a_bare_address_leads_to_the_view() -> None:
    page = with_defaults(PAGE, LINK).decode()
    assert "test/slice/auc" in page
    assert 'ExperimentPage-[\\"7\\"]' in page
    assert f'location.replace("{LINK.path}")' in page


def test_a_study_that_is_not_compared_yet_leads_nowhere() -> None:
    link = ComparisonLink("7", LINK.path, saved=False, study_run="abc")
    assert LINK.path not in with_defaults(PAGE, link).decode()


def test_a_name_cannot_end_the_script() -> None:
    link = ComparisonLink("7", "/#/</script>", saved=True, study_run="abc")
    assert with_defaults(PAGE, link).count(b"</script>") == 1


def _answer(path: str, status: int, parts: list[bytes]) -> tuple[dict[bytes, bytes], bytes]:
    """What a browser gets of a page that MLflow sends in parts."""
    sent: list[dict[str, Any]] = []

    async def mlflow(scope: Any, receive: Any, send: Any) -> None:  # the protocol's three
        length = str(sum(map(len, parts))).encode()
        headers = [(b"content-length", length), (b"etag", b"x"), (b"x-frame-options", b"SAMEORIGIN")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for number, part in enumerate(parts, start=1):
            await send({"type": "http.response.body", "body": part, "more_body": number < len(parts)})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    door = TrackingOnly(mlflow, lambda page: page + b"!")
    asyncio.run(door({"type": "http", "path": path}, receive, send))
    return dict(sent[0]["headers"]), b"".join(one.get("body", b"") for one in sent[1:])


def test_the_front_page_is_changed_whole_and_keeps_mlflows_headers() -> None:
    headers, body = _answer("/", 200, [b"one ", b"two"])
    assert body == b"one two!"
    assert headers == {b"content-length": b"8", b"x-frame-options": b"SAMEORIGIN", b"cache-control": b"no-store"}


def test_what_mlflow_refuses_and_other_pages_stay_as_they_are() -> None:
    assert _answer("/", 403, [b"no"])[1] == b"no"
    assert _answer("/static-files/a.js", 200, [b"a", b"b"])[1] == b"ab"
