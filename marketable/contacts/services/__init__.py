"""What can be done to contact records, one module per intent."""
