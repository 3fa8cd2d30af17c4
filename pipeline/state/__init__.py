"""What serving starts from and leaves behind: the windows of all groups in a folder, and the log of what came since."""
