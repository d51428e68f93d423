"""The study of params.yaml, validated whole before a stage begins."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from medfake.config import Params, load_params
from medfake.errors import ConfigError
from medfake.folders import REPEATED, package_folder

Block = TypeVar("Block")


def read_study() -> Params:
    """Read params.yaml, the detectors' own options included.

    Raises:
        ConfigError: A wrong key, type or value anywhere in the file, so that the first stage says it, not the last.
    """
    from medfake.datasets.chosen import validate_chosen
    from medfake.detectors.registry import validate_options

    params = validate_chosen(load_params())
    for name, options in params.detectors.items():
        validate_options(name, options)
    return params


def block(blocks: Mapping[str, Block], name: str, key: str) -> Block:
    """A named block of params.yaml.

    Raises:
        ConfigError: There is no such block; those that there are, are named.
    """
    if name not in blocks:
        raise ConfigError(
            f"params.yaml has no block {key}.{name}",
            where="params.yaml",
            received=name,
            remedy=f"choose among {', '.join(blocks) or 'none'}",
        )
    return blocks[name]


def all_cores() -> int:
    """Processes to use: all cores of this machine."""
    return os.cpu_count() or 1


def packages(params: Params) -> list[Path]:
    """Model packages of the study's trainings, in the order of params.yaml, then those of repeated ones."""
    return [*first_packages(params), *sorted(path.parent for path in REPEATED.glob("*/*/seed-*/card.json"))]


def first_packages(params: Params) -> list[Path]:
    """Model packages of the matrix of trainings, in the order of params.yaml."""
    return [
        package_folder(dataset, detector, seed)
        for dataset in params.train.datasets
        for detector in params.train.detectors
        for seed in params.train.seeds
    ]
