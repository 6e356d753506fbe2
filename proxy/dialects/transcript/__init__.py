"""What was said in a call, read from the bodies in the caller's dialect, for traces."""
