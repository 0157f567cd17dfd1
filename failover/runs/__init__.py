"""A site's runs on disk: the lock, the journal, and the names in it."""
