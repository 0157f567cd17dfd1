"""What of Resource Manager's API is modelled: stacks of zip files, and jobs that run Terraform on them."""

from collections.abc import Callable

from lab.api.core.answer import Outcome
from lab.api.core.call import Call, Tenancy
from lab.api.resource_manager import job_results, jobs, stacks

VERSION = "/20180917"
Row = tuple[str, str, str, Callable[[Tenancy, Call], Outcome]]
OPERATIONS: tuple[Row, ...] = (
    ("CreateStack", "POST", "/stacks", stacks.create_stack),
    ("GetStack", "GET", "/stacks/<id>", stacks.get_stack),
    ("ListStacks", "GET", "/stacks", stacks.list_stacks),
    ("UpdateStack", "PUT", "/stacks/<id>", stacks.update_stack),
    ("DeleteStack", "DELETE", "/stacks/<id>", stacks.delete_stack),
    ("GetStackTfConfig", "GET", "/stacks/<id>/tfConfig", stacks.get_stack_tf_config),
    ("GetStackTfState", "GET", "/stacks/<id>/tfState", stacks.get_stack_tf_state),
    ("CreateJob", "POST", "/jobs", jobs.create_job),
    ("GetJob", "GET", "/jobs/<id>", jobs.get_job),
    ("ListJobs", "GET", "/jobs", jobs.list_jobs),
    ("CancelJob", "DELETE", "/jobs/<id>", jobs.cancel_job),
    ("GetJobLogs", "GET", "/jobs/<id>/logs", job_results.get_job_logs),
    ("GetJobLogsContent", "GET", "/jobs/<id>/logs/content", job_results.get_job_logs_content),
    ("ListJobOutputs", "GET", "/jobs/<id>/outputs", job_results.list_job_outputs),
    ("GetJobTfConfig", "GET", "/jobs/<id>/tfConfig", job_results.get_job_tf_config),
    ("GetJobTfState", "GET", "/jobs/<id>/tfState", job_results.get_job_tf_state),
    ("GetJobTfPlan", "GET", "/jobs/<id>/tfPlan", job_results.get_job_tf_plan),
)
