"""The box around a process: what is left to do for somebody who broke into it."""

from collections.abc import Iterator
from typing import Final

from mlflow_server.configured_service import Service
from mlflow_server.rules.registry import Severity, rule

_MOVES: Final = ("latest", "main", "master", "edge", "dev", "nightly")


@rule("images are pinned", remedy="name a version, and its digest where you can: IMAGE:1.2.3@sha256:...")
def images_are_pinned(service: Service) -> Iterator[str]:
    """What `latest` is changes from one start to the next."""
    if service.container is not None and service.container.image is not None:
        name, _, _ = service.container.image.partition("@")
        tag = name.rpartition("/")[2].partition(":")[2]
        if "@sha256:" not in service.container.image and (not tag or tag in _MOVES):
            yield f"the image {service.container.image} has no version"


@rule("no new privileges", remedy="security_opt: [no-new-privileges:true], and no privileged: true")
def no_new_privileges(service: Service) -> Iterator[str]:
    """A program with the setuid bit makes its caller root."""
    if service.container is not None and service.container.gains_privileges:
        yield "programs in the container may gain privileges"


@rule("not as root", severity=Severity.CAUTION, remedy="user: UID:GID, or an image with a user of its own")
def not_as_root(service: Service) -> Iterator[str]:
    """Root in a container is root outside, should it get there."""
    if service.container is not None and service.container.root:
        yield "nothing says that it does not run as root"


@rule("files cannot be changed", severity=Severity.CAUTION, remedy="read_only: true, with tmpfs: [/tmp] and volumes")
def files_cannot_be_changed(service: Service) -> Iterator[str]:
    """Who broke in leaves nothing behind."""
    if service.container is not None and not service.container.read_only:
        yield "the container's own files can be changed"
