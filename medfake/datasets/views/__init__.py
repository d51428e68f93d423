"""What part of a slice is stored: one file a view."""
