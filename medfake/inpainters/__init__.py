"""Learned inpainters: generators that fill holes in lungs, trained on real scans, for manipulations of a bank."""
