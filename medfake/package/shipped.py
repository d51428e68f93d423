"""The detector that comes with medfake, so that real scans can be scanned before anything was trained."""

from pathlib import Path
from typing import Final

from medfake.errors import ManifestError
from medfake.package.card import CARD_FILE, ONNX_FILE

BUILTIN: Final = "builtin"
"""What it is asked for by."""
FOLDER: Final = Path(__file__).parent / "builtin"


def has_builtin() -> bool:
    """Whether this installation has it."""
    return (FOLDER / CARD_FILE).is_file() and (FOLDER / ONNX_FILE).is_file()


def builtin_package() -> Path:
    """Folder of its package.

    Raises:
        ManifestError: This installation lacks it.
    """
    if not has_builtin():
        raise ManifestError(
            "this installation lacks the built-in detector", where=FOLDER, remedy="install medfake anew: make setup"
        )
    return FOLDER
