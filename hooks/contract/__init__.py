"""A spec in, a result out: what hooks and their callers agree on."""
