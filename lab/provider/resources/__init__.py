"""What each resource type and data source does against the API."""
