"""Set up .venv from the hash-locked requirements file; standard library only, because nothing is installed yet."""

import fcntl
import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PRIVATE = ROOT / ".medfake"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / ".medfake-stamp"
OLDEST, NEWEST = (3, 11), (3, 13)
FAILED, BUSY = 1, 11


def main() -> None:
    """Install into .venv unless it is up to date."""
    with only_one("setup"):
        prepare()


def prepare() -> None:
    """Create or refresh .venv; a killed installation is taken up again."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        found = ".".join(map(str, sys.version_info[:3]))
        stop(
            f"medfake needs Python {_dotted(OLDEST)} to {_dotted(NEWEST)}\n  received: {found} ({sys.executable})\n"
            f"  next: make PYTHON=python{_dotted(OLDEST)} demo"
        )
    PRIVATE.mkdir(mode=0o700, exist_ok=True)
    keep_dvc_private()
    wanted = _digest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    started = time.monotonic()
    print("setting up .venv (3 GB of packages; a minute or two the first time)", flush=True)
    uv = [str(_installer()), *([] if sys.stderr.isatty() else ["--quiet"]), "pip"]
    target = ["--python", str(VENV / "bin" / "python")]
    # compiled here, on all cores: else the first run of every stage compiles on one, half a minute of the demo in all
    _run([*uv, "sync", "--require-hashes", "--compile-bytecode", *target, str(LOCK)])
    _run([*uv, "install", "--no-deps", "--no-build-isolation", *target, "--editable", str(ROOT)])
    STAMP.write_text(wanted)
    print(f".venv is ready after {time.monotonic() - started:.0f} s", flush=True)


def keep_dvc_private() -> None:
    """Say in .dvc/config.local what is true of this machine alone, whatever else stands there.

    DVC unpickles what lies in its site cache (CVE-2025-69872) and shares a folder with everybody unless told otherwise;
    a relative path would count from the working folder, so that each subfolder had another. Without git, DVC has to
    be told so.
    """
    cache = PRIVATE / "dvc-site-cache"
    cache.mkdir(mode=0o700, exist_ok=True)
    file = ROOT / ".dvc" / "config.local"
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    own = [f"    site_cache_dir = {cache}", *([] if (ROOT / ".git").exists() else ["    no_scm = true"])]
    kept = [line for line in before.splitlines() if line.split("=")[0].strip() not in ("site_cache_dir", "no_scm")]
    at = kept.index("[core]") + 1 if "[core]" in kept else len(kept)
    section = [] if "[core]" in kept else ["[core]"]
    after = "\n".join([*kept[:at], *section, *own, *kept[at:]]) + "\n"
    if after != before:
        file.write_text(after, encoding="utf-8")


def _installer() -> Path:
    """The uv that the locked file names, put into .venv by pip, its hash checked."""
    uv = VENV / "bin" / "uv"
    if STAMP.exists() and uv.exists():
        return uv
    _run([sys.executable, "-m", "venv", str(VENV)])
    wanted = VENV / "uv.txt"
    wanted.write_text(_pinned("uv"))
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "--requirement", str(wanted)])
    return uv


def _pinned(package: str) -> str:
    """The lines of the locked file that name one package: its version and its hashes."""
    lines = LOCK.read_text().splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith(f"{package}=="))
    last = next(at for at in range(first, len(lines)) if not lines[at].endswith("\\"))
    return "\n".join(lines[first : last + 1]) + "\n"


@contextmanager
def only_one(what: str) -> Iterator[None]:
    """Hold the project's lock; a second `make` in the same folder stops with one clear error."""
    try:
        PRIVATE.mkdir(mode=0o700, exist_ok=True)
        handle = (PRIVATE / "make.lock").open("w")
    except OSError as error:
        stop(f"{error.strerror}\n  where: {PRIVATE}\n  next: move the project to a folder that can be written")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stop(
                f"another `make` is at work in this folder, so `make {what}` did not start\n"
                "  next: wait until it has finished, then run the same command again",
                BUSY,
            )
        yield


def stop(message: str, code: int = FAILED) -> None:
    """Print one clear error and exit."""
    sys.stderr.write(f"error: {message}\n")
    sys.exit(code)


def _run(command: list[str]) -> None:
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code:
        stop(
            f"the installation stopped with exit code {code}\n  where: {' '.join(command[:4])} ...\n"
            "  next: read the lines above (no network? disk full?), then run the same command again"
        )


def _digest() -> str:
    return hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


if __name__ == "__main__":
    main()
