"""What makes a configuration unsafe, one decorated function a rule."""
