"""What can be trained, by name: a room for each family of detectors."""
