"""Raw transactions through the windows of all groups: scored in batch, looked at again from a log."""
