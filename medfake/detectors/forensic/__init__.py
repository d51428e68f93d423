"""Detectors of local manipulations in high-pass residuals."""
