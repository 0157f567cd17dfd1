"""Tests of the stack in terraform/, on the stand-in provider and an API without guests."""
