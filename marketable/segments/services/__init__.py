"""What can be done with segments."""
