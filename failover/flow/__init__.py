"""One run from start to end. Start reading at flow.py."""
