"""`medfake serve`: scans come in over HTTP, verdicts go out."""
