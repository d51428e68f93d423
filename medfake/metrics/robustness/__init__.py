"""What perturbations of test slices take from trained detectors."""
