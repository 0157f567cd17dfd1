"""Tests of hooks/."""
