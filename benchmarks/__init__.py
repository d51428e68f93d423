"""What the performance claims are measured with: each prints a ratio against a named baseline of the same run."""
