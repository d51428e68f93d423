"""What was decided about champions, kept as tags of the registered model so that it moves with the registry."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from medfake.registry.versions import MODEL_NAME

_PREFIX = "ledger."
_KEY_TIME = "%Y%m%dT%H%M%S.%fZ"
_ROOM = 4600  # characters for all rulings: a tag holds 5000 on PostgreSQL
_FRAME = 100  # of a ruling besides its sentence
_LONGEST = 500  # of one sentence


@dataclass(frozen=True)
class Said:
    """What one gate said.

    Attributes:
        overruled: By the gate's own flag, so that the promotion went on although it did not pass.
    """

    gate: str
    passed: bool
    overruled: bool
    sentence: str


@dataclass(frozen=True)
class Decision:
    """One entry.

    Attributes:
        action: "promote", "rollback", or "moved": the alias was found on another version than the entry before says.
        version: Champion from then on; None when nobody is.
        previous: Champion until then.
        at: UTC, ISO 8601.
        reason: In words; of a promotion what all gates said.
        rulings: Of all gates; empty for roll-backs, and for promotions before gates were kept.
    """

    action: str
    version: int | None
    previous: int | None
    at: str
    reason: str
    rulings: tuple[Said, ...] = ()


def now() -> str:
    """The time as entries keep it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def append(client: Any, decision: Decision) -> None:
    """Append an entry under a key of its own: later than all that are there, whatever other clocks say."""
    at = datetime.now(UTC)
    last = max(_tags(client), default="")
    if last >= _key(at):  # numbers, the keys of old, are before every time
        at = datetime.strptime(last.removeprefix(_PREFIX).rsplit("-", 1)[0], _KEY_TIME).replace(tzinfo=UTC)
        at += timedelta(microseconds=1)
    kept = asdict(decision)
    if decision.rulings:
        kept["reason"] = ""  # it is told by the rulings
        longest = min(_LONGEST, _ROOM // len(decision.rulings) - _FRAME)
        for ruling in kept["rulings"]:
            ruling["sentence"] = _short(ruling["sentence"], longest)
    client.set_registered_model_tag(MODEL_NAME, _key(at), json.dumps(kept, sort_keys=True, ensure_ascii=False))


def read(client: Any) -> list[Decision]:
    """All entries, oldest first."""
    tags = _tags(client)
    return [_decision(json.loads(tags[key])) for key in sorted(tags)]


def reason_of(rulings: tuple[Said, ...]) -> str:
    """What all gates said, in one line."""
    return "; ".join(f"{'overruled: ' if one.overruled else ''}{one.sentence}" for one in rulings)


def _key(at: datetime) -> str:
    return f"{_PREFIX}{at.strftime(_KEY_TIME)}-{uuid.uuid4().hex[:12]}"


def _tags(client: Any) -> dict[str, str]:
    models = client.search_registered_models(f"name = '{MODEL_NAME}'")
    tags = dict(models[0].tags) if models else {}
    return {key: value for key, value in tags.items() if key.startswith(_PREFIX)}


def _decision(kept: Mapping[str, Any]) -> Decision:
    rulings = tuple(Said(**one) for one in kept.get("rulings", ()))
    return Decision(**{**kept, "rulings": rulings, "reason": kept["reason"] or reason_of(rulings)})


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
