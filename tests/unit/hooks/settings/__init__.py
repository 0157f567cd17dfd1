"""Tests of the settings that move with the data."""
