"""The next server: brought up ahead, without volumes; kept current; taken down. Never the active one."""
