"""The tracking server and registry, bound to this machine."""
