"""Reading params.yaml and saying in plain words what is wrong with it."""

import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from medfake.by_name import did_you_mean
from medfake.config.study import Params
from medfake.config.yaml_file import read_yaml
from medfake.errors import ConfigError

PARAMS_FILE = Path("params.yaml")
_DICTIONARY = re.compile(r"be a valid dictionary( or instance of \w+)?")  # pydantic's words for a block

Model = TypeVar("Model", bound=BaseModel)


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read and validate params.yaml.

    Args:
        path: The file, params.yaml of the working folder unless told otherwise.

    Raises:
        ConfigError: The file is missing, is no YAML in UTF-8, or has a wrong key, type or value; the message names the
            key, the value, what was expected and a near match.
        StorageError: Permission is missing.
    """
    return validate(Params, read_yaml(path), path.name)


def validate(model: type[Model], values: object, where: str, at: tuple[str, ...] = ()) -> Model:
    """Check values against a pydantic model and say in plain words what is wrong.

    Args:
        model: What is expected.
        values: What was read.
        where: The file they were read from, for the message.
        at: Key path in that file where the values stand.

    Raises:
        ConfigError: The first five faults: key, value, expectation, near match.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        lines = [_fault(model, fault, at) for fault in faults[:5]]
        lines += [f"... and {len(faults) - 5} more"] if len(faults) > 5 else []
        raise ConfigError(
            "; ".join(lines), where=where, remedy=f"edit {where} and run the same command again"
        ) from error


def with_options(params: Model, options: type[Model], at: tuple[str, ...]) -> Model:
    """A block with the options of what it names, checked and filled up.

    Args:
        params: As params.yaml has it, or checked before.
        options: The block's model with the options of what it names.
        at: Key path of the block in params.yaml.

    Raises:
        ConfigError: An option is wrong; key, value and near match are told.
    """
    return params if isinstance(params, options) else validate(options, params.model_dump(), PARAMS_FILE.name, at)


def _fault(model: type[BaseModel], fault: Any, at: tuple[str, ...]) -> str:  # pydantic's ErrorDetails is a TypedDict
    location, _ = _walk(model, fault["loc"])
    if location[-1:] == ["[key]"] and not isinstance(fault["input"], str):  # 2019: is a number in YAML
        return f"{'.'.join([*at, *location[:-2]])} has the key {fault['input']!r}, which is no text; write it in quotes"
    key = ".".join([*at, *location]) or "the file"
    if fault["type"] == "extra_forbidden":
        _, holders = _walk(model, fault["loc"][:-1])
        known = {name for holder in holders for name in holder.model_fields}
        near = did_you_mean(location[-1], known)
        return f"unknown key {key} = {fault['input']!r}{near}; expected one of {sorted(known)}"
    if fault["type"] == "missing":
        return f"missing key {key}"
    context, received = fault.get("ctx", {}), fault["input"]
    if fault["type"] == "union_tag_invalid":
        key, received = f"{key}.{context['discriminator'].strip(chr(39))}", context["tag"]
        fault = {**fault, "msg": f"input should be {context['expected_tags'].replace(', ', ' or ')}"}
        context = {"expected": context["expected_tags"]}
    message = fault["msg"].removeprefix("Value error, ")
    message = _DICTIONARY.sub("be a block of keys and values", message[0].lower() + message[1:])
    if fault["type"] == "value_error":
        return message if not location else f"{key}: {message}"
    allowed = context.get("expected", "").replace("'", "").replace(" or ", ", ").split(", ")
    near = did_you_mean(received, allowed)
    return f"{key} = {received!r}: {message}{near}"


def _walk(model: type[BaseModel], location: tuple[int | str, ...]) -> tuple[list[str], set[type[BaseModel]]]:
    """Follow a pydantic location: the keys as the file has them, and the models that stand there.

    Pydantic puts the tag of a discriminated union into the location, where the file has no key.
    """
    here: set[type[BaseModel]] = {model}
    keys: list[str] = []
    for part in location:
        tagged = {one for one in here if part in _tags(one)} if len(here) > 1 else set()
        if tagged:
            here = tagged
            continue
        keys.append(str(part))
        fields = [one.model_fields.get(str(part)) for one in here]
        found = {inner for field in fields if field is not None for inner in _models_in(field.annotation)}
        here = found or here
    return keys, here


def _tags(model: type[BaseModel]) -> set[object]:
    """Words by which a discriminated union tells this model apart."""
    literals = (field.annotation for field in model.model_fields.values() if get_origin(field.annotation) is Literal)
    return {word for annotation in literals for word in get_args(annotation)}


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    if get_origin(annotation) in (Union, UnionType, Annotated, dict, list):
        return {model for part in get_args(annotation) for model in _models_in(part)}
    return set()
