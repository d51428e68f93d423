"""Metrics with intervals and tests, thresholds, predictions."""
