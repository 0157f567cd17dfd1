"""What outside this project a behaviour was compared with: the words of the marker `checked`.

`@pytest.mark.checked(source)` stands at a test of the lab's API, of the stand-in provider and of the stack.
`@pytest.mark.own_rule` stands where nothing outside decides: the project's own rule, or how the lab works.
"""

RUN = "this file's tests, as they were on 26 November 2026, passed with the real provider oracle/oci 8.28.0"
SEEN = "seen with the real provider oracle/oci 8.28.0 on 26 November 2026"
SCHEMA = "the schema and the flags of the real provider oracle/oci 8.28.0"
SDK = "the unmodified OCI Python SDK: its models, its waiters and its retries"
FORM = "Oracle's meta schema of Resource Manager's form (schema.yaml), version 1.1.0"
TERRAFORM = "the real Terraform, which these tests run"
REPORTS = "reports of OCI's users; Oracle's pages do not say it"


def api(operation: str) -> str:
    """The page of OCI's API reference on this operation or model."""
    return f"OCI API reference (https://docs.oracle.com/en-us/iaas/api/): {operation}"


def page(path: str) -> str:
    """A page of OCI's documentation."""
    return f"https://docs.oracle.com/en-us/iaas/Content/{path}"
