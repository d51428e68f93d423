"""Running experiments: one training as one MLflow run, repeats, searches, status and plan."""
