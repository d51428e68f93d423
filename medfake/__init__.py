"""Tell tampered medical images from real ones: from DICOM to a promoted, served detector."""

__version__ = "0.1.0"
