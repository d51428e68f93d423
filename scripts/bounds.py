"""Write the versions of requirements.lock into pyproject.toml as lowest ones: what is declared is what tests ran with.

Standard library only, because `make lock` runs it between two states of .venv.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)
_DECLARED = re.compile(
    r'(?P<quote>")(?P<name>[A-Za-z0-9._-]+)(?P<extra>\[[a-z0-9,-]+\])?'
    r'(?:>=(?P<version>[0-9][^",;]*))?(?P<marker>;[^"]*)?"'
)


def locked(lock: str) -> dict[str, str]:
    """Versions by normalised name; the lowest where a package is locked more than once."""
    versions: dict[str, str] = {}
    for found in _LOCKED.finditer(lock):
        versions.setdefault(normalised(found["name"]), found["version"])
    return versions


def with_bounds(pyproject: str, versions: dict[str, str]) -> str:
    """The text of pyproject.toml with `>=` the locked version behind every dependency that is locked."""
    begin = pyproject.index("dependencies = [")
    end = pyproject.index("[project.scripts]")

    def bounded(found: re.Match[str]) -> str:
        version = versions.get(normalised(found["name"]))
        bound = f"{found['name']}{found['extra'] or ''}>={version}{found['marker'] or ''}"
        return f'"{bound}"' if version else found[0]

    lines = []
    for line in pyproject[begin:end].splitlines(keepends=True):
        code, mark, comment = line.partition("#")
        lines.append(_DECLARED.sub(bounded, code) + mark + comment)
    return pyproject[:begin] + _aligned("".join(lines)) + pyproject[end:]


def normalised(name: str) -> str:
    """A package's name in one spelling (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _aligned(block: str) -> str:
    """Comments of a list in one column."""
    lines = block.splitlines()
    widest = max((len(line.split("#")[0].rstrip()) for line in lines if '",' in line and "#" in line), default=0)
    aligned = []
    for line in lines:
        code, mark, comment = line.partition("#")
        inside = mark and code.startswith("  ")
        aligned.append(f"{code.rstrip():<{widest}} # {comment.strip()}" if inside else line)
    return "\n".join(aligned) + "\n"


def main() -> None:
    """Rewrite pyproject.toml."""
    path = ROOT / "pyproject.toml"
    path.write_text(with_bounds(path.read_text(), locked((ROOT / "requirements.lock").read_text())))


if __name__ == "__main__":
    sys.exit(main())
