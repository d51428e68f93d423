"""What a search may try of a detector's options: checked when params.yaml is read, before hours are spent."""

import json
from collections.abc import Mapping
from typing import Any

from medfake.config import Choices, Span, validate
from medfake.detectors.registry import DETECTORS

Space = Mapping[str, Span | Choices]  # by dotted name of the option


def require_space(detector: str, space: Space, options: Mapping[str, Any]) -> None:
    """Check that a detector has every option that is searched, and that it takes every choice and both ends of a span.

    Args:
        detector: As a key of `tune.space` names it.
        space: Its block there.
        options: Of the detector, as params.yaml has them; what is searched takes their place.

    Raises:
        ConfigError: No detector has this name, or it has no such option, or the value is none for it; the full key and
            a near match are told.
    """
    spec = DETECTORS.require(detector, "tune.space")
    values = {key: one.choices if isinstance(one, Choices) else [one.low, one.high] for key, one in space.items()}
    first = {key: some[0] for key, some in values.items()}
    for key, some in values.items():
        for value in some:
            validate(spec.options, nested(options, {**first, key: value}), "params.yaml", ("tune", "space", detector))


def nested(options: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Options with values put in by dotted names."""
    merged: dict[str, Any] = json.loads(json.dumps(dict(options)))
    for key, value in found.items():
        *outer, last = key.split(".")
        inner = merged
        for part in outer:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return merged
