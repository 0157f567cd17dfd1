"""What a Resource Manager job leaves behind: its log, its plan, the state after it, the outputs."""

import json
from datetime import datetime

from lab.api.core.answer import Answer
from lab.api.core.call import Call, Tenancy
from lab.api.core.errors import invalid, not_found, not_modelled
from lab.api.core.store import Document
from lab.api.resource_manager import stacks
from lab.api.resource_manager.job_process import LOG, PLAN, PLAN_JSON, STATE
from lab.api.resource_manager.job_runs import folder_of

BINARY = "application/octet-stream"


def get_job_logs(cloud: Tenancy, call: Call) -> list[Document]:
    """GetJobLogs. 501 (an ApiError) for a query parameter that is not modelled."""
    unknown = sorted(set(call.query) - {"limit", "page", "sortOrder"})
    if unknown:
        raise not_modelled(f"the query parameter {unknown[0]}")
    entries = _entries(cloud, call)
    return entries[::-1] if call.query.get("sortOrder") == "DESC" else entries


def get_job_logs_content(cloud: Tenancy, call: Call) -> Answer:
    text = "".join(_line(entry) for entry in _entries(cloud, call))
    return Answer(200, text.encode(), {"content-type": "text/plain; charset=utf-8"})


def _line(entry: Document) -> str:
    at = datetime.fromisoformat(entry["timestamp"])
    return f"{at:%Y/%m/%d %H:%M:%S}[{entry['type']}] [{entry['level']}] {entry['message']}\n"


def _entries(cloud: Tenancy, call: Call) -> list[Document]:
    job = cloud.required("ormjob", call.path["id"])
    file = folder_of(cloud, job.id) / LOG
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]  # the last one may be half written


def list_job_outputs(cloud: Tenancy, call: Call) -> Document:
    """The outputs after an apply; values that are no strings as JSON."""
    job = cloud.required("ormjob", call.path["id"])
    file = folder_of(cloud, job.id) / STATE
    if job.body["operation"] != "APPLY" or job.state != "SUCCEEDED" or not file.exists():
        return {"items": []}
    return {"items": [_output(k, v) for k, v in json.loads(file.read_text()).get("outputs", {}).items()]}


def _output(name: str, output: Document) -> Document:
    value, sensitive = output["value"], bool(output.get("sensitive"))
    shown = value if isinstance(value, str) else json.dumps(value)
    return {
        "outputName": name,
        "outputType": output["type"] if isinstance(output["type"], str) else json.dumps(output["type"]),
        "outputValue": None if sensitive else shown,
        "isSensitive": sensitive,
        "description": None,
    }


def get_job_tf_config(cloud: Tenancy, call: Call) -> Answer:
    job = cloud.required("ormjob", call.path["id"])
    folder = stacks.folder_of(cloud, job.body["stackId"])
    return stacks.file_answer(folder / job.hidden["zip"], "application/zip")


def get_job_tf_state(cloud: Tenancy, call: Call) -> Answer:
    job = cloud.required("ormjob", call.path["id"])
    return stacks.file_answer(folder_of(cloud, job.id) / STATE, BINARY)


def get_job_tf_plan(cloud: Tenancy, call: Call) -> Answer:
    """GetJobTfPlan. Refuses an unknown format (400) and a job without a plan (404)."""
    job = cloud.required("ormjob", call.path["id"])
    form = call.query.get("tfPlanFormat", "BINARY")
    if form not in ("BINARY", "JSON"):
        raise invalid(f"tfPlanFormat must be BINARY or JSON, not {form}")
    if job.state != "SUCCEEDED":
        raise not_found(f"a plan of {job.id}")
    return stacks.file_answer(folder_of(cloud, job.id) / (PLAN_JSON if form == "JSON" else PLAN), BINARY)
