"""Image networks with a head, trained in two phases."""
