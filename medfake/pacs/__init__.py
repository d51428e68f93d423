"""Inside a PACS: scans come in as a PACS sends them, verdicts go back as DICOM objects."""
