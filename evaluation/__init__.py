"""Probabilities in, a verdict out: metrics, intervals, comparisons, the gate and the report."""
