"""The schema and what follows from it alone: values, their shape, plans. No call of the API."""
