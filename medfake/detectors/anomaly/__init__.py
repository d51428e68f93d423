"""Detectors that have seen real scans only: what is unlike them, in whichever way, is suspicious."""
