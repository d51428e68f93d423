"""Guards of a data set: what must hold before anything is trained on it."""
