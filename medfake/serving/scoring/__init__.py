"""Scans scored in processes of their own, under limits: whatever a hostile file does to one, the others go on."""
