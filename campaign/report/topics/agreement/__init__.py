"""Two methods for one difference."""
