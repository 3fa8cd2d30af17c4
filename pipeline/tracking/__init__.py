"""The journal of a run, and how it reaches MLflow."""
