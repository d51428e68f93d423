"""What detectors look at: maps of slices, how good they are, and pictures of them."""
