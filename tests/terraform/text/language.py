"""What a configuration has that Terraform 1.5 does not know: Resource Manager runs nothing newer."""

from collections.abc import Iterator

from tests.terraform.text.hcl import MARKS, Block, calls, references

BLOCKS = {
    *("check", "data", "import", "locals", "module", "moved", "output", "provider", "resource"),
    *("terraform", "variable"),
}
ARGUMENTS = {
    "variable": {"default", "description", "nullable", "sensitive", "type", "validation"},
    "output": {"depends_on", "description", "precondition", "sensitive", "value"},
    "import": {"id", "provider", "to"},
    "terraform": {
        "backend",
        "cloud",
        "experiments",
        "provider_meta",
        "required_providers",
        "required_version",
    },
}
LIFECYCLE = {
    *("create_before_destroy", "ignore_changes", "postcondition", "precondition", "prevent_destroy"),
    "replace_triggered_by",
}
_FUNCTIONS = """
abs abspath alltrue anytrue base64decode base64encode base64gzip base64sha256 base64sha512 basename
bcrypt can ceil chomp chunklist cidrhost cidrnetmask cidrsubnet cidrsubnets coalesce coalescelist
compact concat contains csvdecode dirname distinct element endswith file filebase64 filebase64sha256
filebase64sha512 fileexists filemd5 fileset filesha1 filesha256 filesha512 flatten floor format
formatdate formatlist indent index join jsondecode jsonencode keys length log lookup lower matchkeys max
md5 merge min nonsensitive one parseint pathexpand plantimestamp pow range regex regexall replace
reverse rsadecrypt sensitive setintersection setproduct setsubtract setunion sha1 sha256 sha512 signum
slice sort split startswith strcontains strrev substr sum templatefile textdecodebase64 textencodebase64
timeadd timecmp timestamp title tobool tolist tomap tonumber toset tostring transpose trim trimprefix
trimspace trimsuffix try upper urlencode uuid uuidv5 values yamldecode yamlencode zipmap
"""
FUNCTIONS = set(_FUNCTIONS.split())  # Terraform 1.5's own
TYPES = {"any", "bool", "list", "map", "number", "object", "optional", "set", "string", "tuple"}


def newer_than_1_5(block: Block) -> Iterator[str]:
    """Each construct of the block that 1.5 would refuse, in words."""
    if block.kind not in BLOCKS:
        yield f"a {block.kind} block"
        return
    for argument in sorted(set(block.body) - ARGUMENTS.get(block.kind, set(block.body))):
        yield f"{argument} in a {block.kind} block"
    if block.kind == "provider" and "for_each" in block.body:
        yield "for_each in a provider block"
    if block.kind in ("data", "resource"):
        yield from _of_an_object(block)
    if block.kind == "import" and "${" in str(block.body.get("id", "")):
        yield "an expression as the id of an import block"
    if block.kind == "variable":
        yield from _of_a_variable(block)
    known = FUNCTIONS | (TYPES if block.kind == "variable" else set())
    for function in sorted(calls(block.body) - known):
        yield f"the function {function}"


def _of_an_object(block: Block) -> Iterator[str]:
    for lifecycle in block.body.get("lifecycle", []):
        for argument in sorted(set(lifecycle) - LIFECYCLE - set(MARKS)):
            yield f"{argument} in lifecycle"
    for argument in block.body:
        if argument.endswith(("_wo", "_wo_version")):
            yield f"the write-only argument {argument}"


def _of_a_variable(block: Block) -> Iterator[str]:
    for validation in block.body.get("validation", []):
        others = references(validation, "var") - {block.name}
        if others or references(validation, "local") or references(validation, "data"):
            yield f"a validation of {block.name} that refers to more than {block.name}"
