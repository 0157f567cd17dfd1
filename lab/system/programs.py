"""The lab's own programs: by what names they are started, and found when a lab is taken down."""

API = "lab.api"
JOB = "lab.api.resource_manager.job_process"
METADATA = "lab.metadata"
PROVIDER = "lab.provider"
MODULES = (API, JOB, METADATA, PROVIDER)  # each runs as `python -m MODULE`
JOB_MARK = "NFS_FAILOVER_LAB_JOB"  # in the environment of all that a job starts: its folder
