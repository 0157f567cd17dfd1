"""Backs the site's volumes up as one group, at one moment, and says how old the newest backup is."""
