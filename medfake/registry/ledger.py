"""What was decided about champions, kept as tags of the registered model so that it moves with the registry."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from medfake.registry.registration import MODEL_NAME

_PREFIX = "ledger."


@dataclass(frozen=True)
class Decision:
    """One entry.

    Attributes:
        action: "promote" or "rollback".
        version: Champion from then on; None when nobody is.
        previous: Champion until then.
        at: UTC, ISO 8601.
    """

    action: str
    version: int | None
    previous: int | None
    at: str
    reason: str


def record(client: Any, action: str, version: int | None, previous: int | None, reason: str) -> Decision:
    """Append an entry."""
    decision = Decision(action, version, previous, datetime.now(UTC).isoformat(timespec="seconds"), reason)
    number = len(read(client)) + 1
    client.set_registered_model_tag(MODEL_NAME, f"{_PREFIX}{number:06d}", json.dumps(asdict(decision), sort_keys=True))
    return decision


def read(client: Any) -> list[Decision]:
    """All entries, oldest first."""
    models = client.search_registered_models(f"name = '{MODEL_NAME}'")
    tags = dict(models[0].tags) if models else {}
    return [Decision(**json.loads(tags[key])) for key in sorted(tags) if key.startswith(_PREFIX)]
