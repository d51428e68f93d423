"""What can be trained, by name, and how a trained detector is stored and scored."""
