"""What makes labelled fakes out of untampered volumes."""
