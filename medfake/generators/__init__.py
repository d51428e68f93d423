"""Generators of whole slices: networks that learn what chest CT looks like, and the deepfakes that they make."""
