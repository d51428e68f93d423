"""Which DICOM objects a verdict may become."""

from enum import StrEnum


class ResultKind(StrEnum):
    """A kind of result object; each goes into a series of its own, as a series has one modality (PS3.3 A.1.2.3)."""

    SR = "sr"
    """Comprehensive 3D SR: P, verdict, detector and sites, for whoever computes with it."""
    SEG = "seg"
    """Segmentation of the sites."""
    SC = "sc"
    """Secondary capture of the strongest slices, for viewers that know nothing else."""
    GSPS = "gsps"
    """Presentation state that marks the sites on the slices themselves."""
