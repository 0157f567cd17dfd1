"""The files of a job by which the API and its process meet, and the mark of what a job starts."""

BEGUN, LOCK, CANCEL, ENDING = "begun", "lock", "cancel", "ending.json"
MARK = "NFS_FAILOVER_LAB_JOB"  # in the environment of all that a job starts: its folder
