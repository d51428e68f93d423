"""Lung tissue that stands twice in a scan: noise never repeats, so the same noise in two places was copied."""
