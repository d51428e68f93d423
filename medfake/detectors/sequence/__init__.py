"""Detectors of sequences: what is seen of each slice, and recurrent networks over neighbouring slices."""
