"""What each command's tables hold."""
