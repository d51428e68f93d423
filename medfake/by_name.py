"""Things by name: the one mechanism behind every decorator that adds a detector, a source, a guard and so on.

A registry finds what is in its folder by itself, and what other packages offer under its entry-point group, so that no
list of imports is kept by hand. Duplicates are refused, unknown names get the one that was probably meant.
"""

import difflib
import fnmatch
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from medfake.errors import ConfigError, MedfakeError

T = TypeVar("T")
_HEAVY = ("layers", "estimators")  # modules of such names load Keras or scikit-learn and register nothing


class Registry(Mapping[str, T], Generic[T]):
    """Named things of one kind, read like a dict; sorted by name.

    Reading looks through the folder and the entry points first, once; adding does not.
    """

    def __init__(self, kind: str, *, room: str, where: str, error: type[MedfakeError] = ConfigError) -> None:
        """Make an empty registry.

        Args:
            kind: What one thing is called, e.g. "guard"; other packages offer theirs as entry points of the group
                "medfake.guards".
            room: Dotted name of the package (or the module) whose modules register things.
            where: Where a user names them, for messages, e.g. "detectors in params.yaml".
            error: Raised for a name that nothing has.
        """
        self._kind, self._room, self._where, self._error = kind, room, where, error
        self._things: dict[str, T] = {}
        self._modules: dict[str, str] = {}  # name -> module that registered it
        self._absent: dict[str, str] = {}  # entry point -> what it lacks
        self._discovered = False

    @property
    def group(self) -> str:
        """Entry-point group of other packages' things."""
        return f"medfake.{self._plural.replace(' ', '_')}"

    @property
    def _plural(self) -> str:
        return re.sub(r"(?<![aeiou])y$", "ie", self._kind) + "s"

    def add(self, name: str, thing: T, by: object) -> None:
        """Register a thing.

        Args:
            name: Unique.
            thing: What the name stands for.
            by: The decorated function or class; its module is named when two want one name.

        Raises:
            ConfigError: Another module has registered this name.
        """
        module = str(getattr(by, "__module__", None) or type(by).__module__)
        if name in self._things:
            raise ConfigError(
                f"two {self._plural} are called {name!r}", where=f"{self._modules[name]} and {module}",
                remedy="rename one of them, or uninstall the package that it came with",
            )  # fmt: skip
        self._things[name], self._modules[name] = thing, module

    def names(self, pattern: str = "*") -> list[str]:
        """Names that match a shell pattern, sorted."""
        self._discover()
        return sorted(fnmatch.filter(self._things, pattern))

    def __getitem__(self, name: str) -> T:
        """The thing of this name.

        Raises:
            MedfakeError: The registry's error: there is none; a near match and all names are told.
        """
        self._discover()
        if name not in self._things:
            raise self._error(
                f"no {self._kind} has this name", where=self._where, received=f"{name}{self._lacking()}",
                remedy=f"choose one{did_you_mean(name, self._things)}; known: {', '.join(self.names())}",
            )  # fmt: skip
        return self._things[name]

    def require(self, name: str, key: str, also: Iterable[str] = ()) -> T:
        """The thing that a key of params.yaml names.

        Args:
            name: As written there.
            key: Full, e.g. "datasets.chest.view.name".
            also: Names of other things that may stand there; they are told, too.

        Raises:
            ConfigError: There is none; key, value, near match and all names are told.
        """
        if name not in self:
            known = sorted({*self.names(), *also})
            raise ConfigError(
                f"{key} = {name!r} is no kind of {self._kind}{did_you_mean(name, known)}", where="params.yaml",
                received=f"{name}{self._lacking()}", remedy=f"choose among {', '.join(known)}",
            )  # fmt: skip
        return self._things[name]

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def _lacking(self) -> str:
        """What is offered and cannot be had, for the end of a message; "" when nothing is."""
        told = "; ".join(f"{name} lacks what it needs ({why})" for name, why in sorted(self._absent.items()))
        return f" ({told})" if told else ""

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True
        try:
            _import_room(self._room)
            for point in sorted(entry_points(group=self.group), key=lambda point: point.name):
                try:
                    point.load()
                except MedfakeError:
                    raise
                except ModuleNotFoundError as error:  # what this one needs is not installed; others do without
                    self._absent[point.name] = str(error)
                except Exception as error:  # another package's code may raise anything
                    raise ConfigError(
                        f"a {self._kind} of another package cannot be loaded",
                        where=f"entry point {point.name} = {point.value} of {self.group}",
                        received=f"{type(error).__name__}: {error}",
                        remedy=f"mend or uninstall {point.dist.name if point.dist else 'the package'}",
                    ) from error
        except BaseException:
            self._discovered = False
            raise


def did_you_mean(received: object, known: Iterable[str]) -> str:
    """A clause for the end of a message, "" when no known name is near."""
    near = difflib.get_close_matches(str(received), list(known), n=1, cutoff=0.6)
    return f", did you mean {near[0]!r}?" if near else ""


def _import_room(room: str) -> None:
    """Import a package's modules, those of inner packages included; those that load Keras when imported are left."""
    package = import_module(room)
    for module in pkgutil.walk_packages(getattr(package, "__path__", ()), f"{room}."):
        if not module.name.endswith(_HEAVY):
            import_module(module.name)
