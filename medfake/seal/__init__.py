"""Seals: signed digests of what a scan shows, so that a later change is proven rather than guessed."""
