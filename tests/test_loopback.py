import doctest

import pytest

from medfake import loopback
from medfake.loopback import is_loopback


@pytest.mark.parametrize("host", ["localhost", "LocalHost.", "127.0.0.1", "127.255.255.254", "::1", "[::1]"])
def test_this_machine_alone(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "126.255.255.255", "128.0.0.0", "localhost.example.org", "127.0.0.1.example.org"],  # noqa: S104
)
def test_what_other_machines_may_reach_or_be(host: str) -> None:
    assert not is_loopback(host)


def test_its_example_is_true() -> None:
    failed, attempted = doctest.testmod(loopback)
    assert (failed, attempted) == (0, 1)
