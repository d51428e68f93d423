"""`python -m benchmarks [NAME]`: run one benchmark, or all."""

import sys

from benchmarks import decode, scan

ALL = {"decode": decode.main, "scan": scan.main}


def main() -> None:
    """Run what was asked for."""
    names = sys.argv[1:] or list(ALL)
    for name in names:
        if name not in ALL:
            sys.exit(f"error: no benchmark is called {name}\n  next: make bench NAME={'|'.join(ALL)}")
        ALL[name]()


main()
