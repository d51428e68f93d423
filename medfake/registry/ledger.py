"""What was decided about champions, kept as tags of the registered model so that it moves with the registry."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from medfake.registry.compared import Compared, read_compared
from medfake.registry.versions import MODEL_NAME

_PREFIX = "ledger."
_KEY_TIME = "%Y%m%dT%H%M%S.%fZ"
_ROOM = 4900  # characters: a tag holds 5000 on PostgreSQL
_LONGEST = (500, 350, 250, 180, 120, 80, 40)  # of one sentence; the first that fits


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
        rulings: Of all gates; empty for roll-backs, and for promotions before gates were kept. Long sentences are cut:
            the version's own tags have them whole.
        who: Name of whoever decided; "" in entries of old, as the next two.
        stated: Why, as they said it themselves.
        figures: What decided a promotion.
    """

    action: str
    version: int | None
    previous: int | None
    at: str
    reason: str
    rulings: tuple[Said, ...] = ()
    who: str = ""
    stated: str = ""
    figures: Compared | None = None

    @property
    def overruled(self) -> tuple[str, ...]:
        """Gates that stood in the way and were overruled."""
        return tuple(one.gate for one in self.rulings if one.overruled)


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
    client.set_registered_model_tag(MODEL_NAME, _key(at), _text(decision))


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
    figures = read_compared(kept.get("figures"))
    reason = kept["reason"] or reason_of(rulings)
    return Decision(**{**kept, "rulings": rulings, "reason": reason, "figures": figures})


def _text(decision: Decision) -> str:
    """JSON that fits a tag: the longest sentences are cut, and if nothing helps, what passed is left out."""
    for longest in _LONGEST:
        text = _written(decision, decision.rulings, longest)
        if len(text) <= _ROOM:
            return text
    return _written(decision, tuple(one for one in decision.rulings if not one.passed), _LONGEST[-1])


def _written(decision: Decision, rulings: tuple[Said, ...], longest: int) -> str:
    kept = asdict(decision)
    kept["reason"] = "" if decision.rulings else decision.reason  # it is told by the rulings
    kept["rulings"] = [{**asdict(one), "sentence": _short(one.sentence, longest)} for one in rulings]
    return json.dumps(kept, sort_keys=True, ensure_ascii=False)


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
