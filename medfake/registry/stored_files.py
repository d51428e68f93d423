"""Files behind a version: whether they are those that were registered, and copies of those that lie elsewhere."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from medfake.errors import RegistryError
from medfake.files import replace_folder, sha256_file
from medfake.locks import waiting_turn
from medfake.package.card import CARD_FILE, ONNX_FILE
from medfake.private_folders import user_cache
from medfake.registry.versions import MODEL_NAME, Version, card_sha256, package_sha256
from medfake.remedies import Stage, rerun

PACKAGE: Final = "artifacts"
"""Folder of a stored model that holds the package."""
NOMINATE_AGAIN: Final = rerun(Stage.NOMINATE)
_KEY = 32  # digits of a digest


def is_package(folder: Path) -> bool:
    """Whether a folder has what a detector needs."""
    return (folder / ONNX_FILE).is_file() and (folder / CARD_FILE).is_file()


def altered_parts(package: Path, version: Version) -> list[str]:
    """What scans would be scored with, and is not what was registered: "graphs", "card", both or nothing.

    Args:
        package: Folder with the version's files.
        version: Its digests; versions of old kept none of the card.
    """
    graphs = package_sha256(package) == version.package_sha256
    card = version.card_sha256 in ("", card_sha256(package))
    return [name for name, same in (("graphs", graphs), ("card", card)) if not same]


def altered_files(package: Path, version: Version) -> list[str]:
    """All that is not what was registered: parts as above, and other files of the stored model by name."""
    parts = altered_parts(package, version)
    served = {f"{PACKAGE}/{CARD_FILE}", f"{PACKAGE}/{ONNX_FILE}"}
    others = [name for name in sorted(version.files) if name not in served]
    return parts + [name for name in others if _sha256(package.parent, name) != version.files[name]]


def require_unaltered(package: Path, version: Version) -> Path:
    """Let nothing be scored with files that are not those that were registered.

    Returns:
        The package.

    Raises:
        RegistryError: Graph or card is another one.
    """
    altered = altered_parts(package, version)
    if altered:
        raise RegistryError(
            alteration(altered), where=f"{MODEL_NAME} version {version.number}",
            remedy=f"put the files back, roll back (medfake rollback), or register the detector anew: {NOMINATE_AGAIN}",
        )  # fmt: skip
    return package


def alteration(altered: Sequence[str]) -> str:
    """Say what is not what was registered, a clause; at least one name."""
    named = ", ".join(altered[:-1]) + f" and {altered[-1]}" if len(altered) > 1 else altered[0]
    verb = "is" if len(altered) == 1 and altered[0] != "graphs" else "are"
    return f"its {named} {verb} not what was registered"


def fetched(version: Version, download: Callable[[Path], Path]) -> Path:
    """A version's package, fetched once: what was fetched before and is whole is not fetched again.

    Copies lie in the user's cache, named by what they hold, so that versions and projects share them.

    Args:
        version: Its digests name the copy.
        download: Puts the stored model below a folder and says where.

    Raises:
        RegistryError: What came is not what was registered; then nothing is kept.
    """
    root = user_cache() or Path(tempfile.mkdtemp(prefix="medfake-"))
    copy = root / "packages" / _key(version)
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with waiting_turn(copy):
        package = copy / PACKAGE
        if is_package(package) and not altered_parts(package, version) and _all_there(copy, version):
            return package
        with replace_folder(copy) as partial:
            for path in download(partial / "fetched").iterdir():
                path.rename(partial / path.name)
            (partial / "fetched").rmdir()
            if not is_package(partial / PACKAGE):
                raise RegistryError(
                    "the files of this version are gone", where=f"{MODEL_NAME} version {version.number}",
                    remedy=f"register the detector anew: {NOMINATE_AGAIN}",
                )  # fmt: skip
            require_unaltered(partial / PACKAGE, version)
    return package


def _key(version: Version) -> str:
    held = [version.package_sha256, version.card_sha256, dict(version.files)]
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()[:_KEY]


def _all_there(model: Path, version: Version) -> bool:
    return all((model / name).is_file() for name in version.files)


def _sha256(model: Path, name: str) -> str:
    """Of a file of a stored model; "" where there is none, or where the name leads out of it."""
    path = model / name
    inside = path.resolve().is_relative_to(model.resolve())
    return sha256_file(path) if inside and path.is_file() else ""
