"""Plans: values, the invariant of safety, and how a plan is made of an observation. Pure."""
