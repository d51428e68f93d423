"""Detectors that put together what several others say (the outlook of Alsabbagh and Al-Kadi)."""
