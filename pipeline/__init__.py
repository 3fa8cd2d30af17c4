"""The shell: the only folder that touches disk, clock, processes and MLflow."""
