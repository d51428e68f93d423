"""The study of params.yaml, validated whole before a stage begins."""

import os
from pathlib import Path

from medfake.config import Params, load_params
from medfake.folders import package_folder


def read_study() -> Params:
    """Read params.yaml, the detectors' own options included.

    Raises:
        ConfigError: A wrong key, type or value anywhere in the file, so that the first stage says it, not the last.
    """
    from medfake.detectors.registry import validate_options

    params = load_params()
    for name, options in params.detectors.items():
        validate_options(name, options)
    return params


def jobs() -> int:
    """Processes to use: all cores of this machine."""
    return os.cpu_count() or 1


def packages(params: Params) -> list[Path]:
    """Model packages of the study's trainings, in the order of params.yaml."""
    return [
        package_folder(dataset, detector, seed)
        for dataset in params.train.datasets
        for detector in params.train.detectors
        for seed in params.train.seeds
    ]
