"""The prechecks, one subject in a module; a room for each place that is asked."""
