"""MLflow plumbing: the client, runs, and what its store raises."""
