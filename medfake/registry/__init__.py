"""MLflow runs and the model registry: train, nominate, promote, roll back."""
