"""The refusals of the API, in OCI's words: an HTTP status, a code, a message.

Codes: https://docs.oracle.com/en-us/iaas/Content/API/References/apierrors.htm
"""


class ApiError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def not_found(what: str) -> ApiError:
    """OCI does not tell the absent from the forbidden."""
    return ApiError(
        404, "NotAuthorizedOrNotFound", f"Authorization failed or requested resource not found: {what}"
    )


def missing(parameter: str) -> ApiError:
    return ApiError(400, "MissingParameter", f"{parameter} is required")


def invalid(message: str) -> ApiError:
    return ApiError(400, "InvalidParameter", message)


def limit_exceeded(message: str) -> ApiError:
    return ApiError(400, "LimitExceeded", message)


def incorrect_state(message: str) -> ApiError:
    """The resource is on its way somewhere; the SDK's default retry strategy tries these again."""
    return ApiError(409, "IncorrectState", message)


def conflict(message: str) -> ApiError:
    return ApiError(409, "Conflict", message)


def not_modelled(what: str) -> ApiError:
    return ApiError(501, "NotImplemented", f"the lab does not model {what}")
