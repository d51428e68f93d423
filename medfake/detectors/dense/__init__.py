"""Detectors that judge every place of a slice, learnt from exact masks of a bank."""
