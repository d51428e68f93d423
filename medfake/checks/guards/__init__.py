"""Rules that a data set must keep, one subject a file."""
