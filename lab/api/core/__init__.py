"""What every operation of the API stands on: calls, answers, refusals, the store, transitions."""
