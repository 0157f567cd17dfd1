"""After a run: what is looked at afresh, and the data that is read back."""
