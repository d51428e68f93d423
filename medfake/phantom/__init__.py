"""A parametric chest: what the whole pipeline runs on when no real data is there. No clinical evidence."""

from medfake.phantom.write import write_patient, write_phantom

__all__ = ["write_patient", "write_phantom"]
