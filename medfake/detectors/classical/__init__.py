"""Classical models on raw pixels."""
