"""Feature extractors, one family a file; each returns a Keras model without top."""
