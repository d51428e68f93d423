"""The study of params.yaml, validated whole before a stage begins."""

import os

from medfake.config import Params, load_params


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
