"""The files of a job's folder by which the API and the job's process meet."""

BEGUN, LOCK, CANCEL, ENDING = "begun", "lock", "cancel", "ending.json"
