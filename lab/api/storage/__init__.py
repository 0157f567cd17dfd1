"""Block storage beyond single volumes: volume groups, their clones, backups and backup policies."""
