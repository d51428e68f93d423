"""What a version has to pass to become champion: one decorated function a file."""
