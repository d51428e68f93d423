"""Half precision: what a training computes in where it is quicker so; what is stored is single precision always."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from medfake.training.adversarial import Adversarial
from medfake.training.hardware import compute_capabilities
from medfake.training.keras_setup import load_keras

SINGLE: Final = "float32"
_BFLOAT16_FROM: Final = 8.0

Precision = Literal["float32", "mixed", "mixed_float16", "mixed_bfloat16"]
"""Weights, logits and losses are kept in single precision whichever it is; "mixed" is what the hardware is quick in."""


def policy_of(precision: Precision) -> str:
    """The policy of Keras that a precision stands for.

    bfloat16 has the range of single precision, so that no gradient is lost, and NVIDIA's GPUs compute in it from
    compute capability 8.0 (Ampere) on. Older ones know float16 alone; Keras scales its losses so that small gradients
    survive (Micikevicius et al. 2018).
    """
    if precision != "mixed":
        return precision
    lowest = min(compute_capabilities(), default=_BFLOAT16_FROM)
    return "mixed_bfloat16" if lowest >= _BFLOAT16_FROM else "mixed_float16"


@contextmanager
def computing_in(precision: Precision) -> Iterator[None]:
    """Build layers that compute in a precision; those with a `dtype` of their own stay in it."""
    keras = load_keras()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy_of(precision))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def refuse_lost_gradients(adversarial: Adversarial | None, precision: Precision) -> None:
    """Refuse attacks in a precision that may turn out as float16.

    Raises:
        ValueError: It may, and gradients of pixels would be 0.
    """
    if adversarial is not None and precision in ("mixed", "mixed_float16"):
        message = "adversarial needs precision float32 or mixed_bfloat16: in mixed_float16 gradients of pixels are 0"
        raise ValueError(message)
