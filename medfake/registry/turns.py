"""One decision at a time, told by the store itself, so that machines which share nothing else take turns.

MLflow moves an alias whatever it was before. So who decides first leaves a mark as a tag of the registered model and
then looks for others' marks. Of two that do so at a time at least one sees the other's mark, and withdraws its own.
"""

import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from medfake.registry.versions import MODEL_NAME

_MARK = "deciding."
PATIENCE_S = 30.0  # a decision takes well under a second; a mark that stays longer is of a process that was killed
_PAUSE_S = (0.02, 0.2)


@contextmanager
def turn(client: Any, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Wait for one's turn, and let go of it however the block ends.

    Args:
        client: MLflow's, on a store where something is registered.
        patience_s: Seconds after which another's mark, all the while the same, is taken for one left by a process that
            was killed, and removed.
    """
    own = f"{_MARK}{uuid.uuid4().hex}"
    seen: dict[str, float] = {}  # another's mark -> when this process saw it first, by its own clock
    while True:
        others = _marks(client) - {own}
        if not others:
            client.set_registered_model_tag(MODEL_NAME, own, "1")
            others = _marks(client) - {own}
            if not others:
                break
            client.delete_registered_model_tag(MODEL_NAME, own)
        now = time.monotonic()
        seen = {mark: seen.get(mark, now) for mark in others}
        for mark in (mark for mark, since in seen.items() if now - since > patience_s):
            client.delete_registered_model_tag(MODEL_NAME, mark)
        time.sleep(random.uniform(*_PAUSE_S))  # noqa: S311  # no secret, only so that two that withdrew do not meet again
    try:
        yield
    finally:
        client.delete_registered_model_tag(MODEL_NAME, own)


def _marks(client: Any) -> set[str]:
    return {key for key in client.get_registered_model(MODEL_NAME).tags if key.startswith(_MARK)}
