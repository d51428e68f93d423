"""Which names and addresses are this machine alone."""

import ipaddress
from typing import Final

LOCALHOST: Final = "localhost"


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine alone; no name is looked up.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.53", "[::1]", "0.0.0.0", "localhost.example.org")]
    [True, True, True, False, False]
    """
    if host.rstrip(".").lower() == LOCALHOST:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
