"""What libraries print past Python, from their C++, kept off the terminal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silence_native_output() -> Iterator[None]:
    """Swallow what TensorFlow's C++ prints about itself; Python exceptions still come through.

    TensorFlow reads how much it may say when it is loaded, so whatever loads it does so in here.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
