"""The scoring graph, written node by node."""
