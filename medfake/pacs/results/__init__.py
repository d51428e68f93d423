"""What is said of a scan, as DICOM objects of its study."""
