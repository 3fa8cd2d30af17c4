"""What one stage leaves and another picks up."""
