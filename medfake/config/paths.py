"""Paths in params.yaml: relative ones count from the project's root, whichever folder a command is started in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class FromRoot:
    """Marks a text of params.yaml as a path, or a list of texts as paths, as metadata of its annotation.

    Attributes:
        prefix: Only what begins with it is a path, namely the rest, e.g. "sqlite:///".
        words: Values that are no paths.
        of_experiment: Whether an experiment in a temporary copy of the project has its own; what it shares with the
            project (the store of runs, weights, searches) is False.
    """

    prefix: str = ""
    words: frozenset[str] = frozenset()
    of_experiment: bool = False

    def anchored(self, text: str, roots: "Roots") -> str:
        """The text with its path made absolute; what is no path comes back as it is."""
        rest = text.removeprefix(self.prefix)
        if not text.startswith(self.prefix) or "://" in rest or text in self.words or rest == ":memory:":
            return text
        return self.prefix + str((roots.experiment if self.of_experiment else roots.project) / rest)


@dataclass(frozen=True)
class Roots:
    """What relative paths count from.

    Attributes:
        project: Absolute folder of the project.
        experiment: Absolute folder of the copy in which DVC runs an experiment; the same outside of experiments.
    """

    project: Path
    experiment: Path


def anchor(section: Model, roots: Roots) -> Model:
    """A block of params.yaml with its marked paths made absolute; blocks below it are anchored, too."""
    changed: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        before = getattr(section, name)
        mark = next((one for one in field.metadata if isinstance(one, FromRoot)), None)
        after = _marked(before, mark, roots) if mark else _anchored(before, roots)
        if after is not before:
            changed[name] = after
    return section.model_copy(update=changed) if changed else section


def _marked(value: Any, mark: FromRoot, roots: Roots) -> Any:
    """A path or a list of them."""
    if isinstance(value, str):
        return mark.anchored(value, roots)
    if isinstance(value, list):
        after = [mark.anchored(one, roots) for one in value]
        return after if after != value else value
    return _anchored(value, roots)


def _anchored(value: Any, roots: Roots) -> Any:
    if isinstance(value, BaseModel):
        return anchor(value, roots)
    if isinstance(value, Mapping):
        after = {key: _anchored(one, roots) for key, one in value.items()}
        return after if any(after[key] is not value[key] for key in after) else value
    return value
