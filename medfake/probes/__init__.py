"""Probes: what a data set gives away besides the manipulation; each is a function in a file of its own."""
