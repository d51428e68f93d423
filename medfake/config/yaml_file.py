"""YAML files as DVC reads them: YAML 1.2, UTF-8, no key twice."""

from pathlib import Path

from medfake.errors import ConfigError, storage_error

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read_text(path: Path) -> str:
    r"""Text of a file as it stands there, line ends (\n or \r\n) and a byte order mark included.

    Raises:
        ConfigError: There is no such file, or it is not UTF-8; the line is told.
        StorageError: Permission is missing.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            f"there is no {path.name} here", where=path.absolute().parent, remedy="cd into a medfake project"
        ) from None
    except IsADirectoryError:
        raise ConfigError(
            f"{path.name} is a folder", where=path.absolute(), remedy="move it away and write a file of this name"
        ) from None
    except OSError as error:
        raise storage_error(error) or error from None
    if raw.startswith(_UTF_16):
        raise _not_utf8(path, 1, "UTF-16")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _not_utf8(path, line, f"byte 0x{raw[error.start]:02x}") from None


def read_yaml(path: Path) -> object:
    """Values of a YAML file.

    Raises:
        ConfigError: It cannot be read, is no YAML 1.2, or has a key twice; the line is told.
        StorageError: Permission is missing.
    """
    from ruamel.yaml import YAML, YAMLError

    text = read_text(path)
    try:
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}, line {mark.line + 1}" if mark else str(path)
        what = str(getattr(error, "problem", None) or str(error).splitlines()[0])
        doubled = what.startswith("found duplicate key")
        raise ConfigError(
            f"{path.name} has a key twice" if doubled else f"{path.name} is not valid YAML",
            where=place,
            received=what.removeprefix("found duplicate key ") if doubled else what,
            remedy=f"edit {place}",
        ) from None
    except RecursionError:
        raise ConfigError(f"{path.name} has lists in lists without end", where=path, remedy=f"edit {path}") from None
    except ValueError as error:  # e.g. a date that no calendar has
        raise ConfigError(
            f"{path.name} has a value that is none", where=path, received=error, remedy=f"edit {path}"
        ) from None


def _not_utf8(path: Path, line: int, received: str) -> ConfigError:
    return ConfigError(
        f"{path.name} is not UTF-8", where=f"{path}, line {line}", received=received, remedy="save it as UTF-8"
    )
