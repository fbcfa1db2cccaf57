"""Typed, keyed domain errors. The docstring of a class is its message on the wire.

The domain knows no HTTP: `config.api.errors` maps the five families to statuses, `config.dashboard.base` puts the same
errors on forms.
"""

from __future__ import annotations

from typing import ClassVar


class DomainError(Exception):
    """Something the caller asked for cannot be done"""

    key: ClassVar[str] = ""
    recorded: bool = False
    """Whether the refusal was kept as a row: then it is an effect, and repeating it must not make another."""

    def __init__(
        self,
        details: str | None = None,
        *,
        resource_id: str | None = None,
        resource_type: str | None = None,
        custom_message: str | None = None,
    ) -> None:
        """details: what exactly is wrong. custom_message: the marketer's own words (a rule's `error.message`)."""
        super().__init__(details or self.message)
        self.details = details
        self.resource_id = resource_id
        self.resource_type = resource_type
        self.custom_message = custom_message

    @property
    def message(self) -> str:
        """First line of the class's docstring."""
        return (type(self).__doc__ or "").strip().splitlines()[0]


class Invalid(DomainError):
    """The request cannot be understood"""


class Refused(DomainError):
    """The request is understood and refused by a rule"""


class Forbidden(DomainError):
    """Forbidden"""

    key = "forbidden"


class NotFound(DomainError):
    """Resource not found"""

    key = "not_found"

    @classmethod
    def of(cls, resource_type: str, resource_id: str) -> NotFound:
        """The wire's sentence: `Cannot find customer with id crm-404`."""
        return cls(
            f"Cannot find {resource_type} with id {resource_id}",
            resource_id=resource_id,
            resource_type=resource_type,
        )


class Conflict(DomainError):
    """Duplicated resource found"""


class InvalidPayload(Invalid):
    """Invalid payload"""

    key = "invalid_payload"


class InvalidQueryParams(Invalid):
    """Invalid query params"""

    key = "invalid_query_params"


class PageOverLimit(Invalid):
    """Listing resource above 1000 page is not supported"""

    key = "page_over_limit"


class QueryTooLarge(Invalid):
    """Query too large"""

    key = "query_too_large"


class MetadataValidationFailed(Invalid):
    """Metadata validation failed"""

    key = "metadata_validation_failed"


class LimitExceeded(Invalid):
    """Limit exceeded"""

    key = "limit_exceeded"


class ResourceInUse(Invalid):
    """Resource in use"""

    key = "resource_in_use"


class DuplicateFound(Conflict):
    """Duplicated resource found"""

    key = "duplicate_found"

    @classmethod
    def of(cls, resource_type: str, resource_id: str, *, by: str = "id") -> DuplicateFound:
        """The wire's sentence: `Duplicated voucher exists with id SPRING`; by: `id`, `name`, …"""
        return cls(
            f"Duplicated {resource_type} exists with {by} {resource_id}",
            resource_id=resource_id,
            resource_type=resource_type,
        )


class MultipleRequests(Refused):
    """Multiple requests"""

    key = "multiple_requests"


class MissingRequiredPermission(Forbidden):
    """Missing permission"""

    key = "missing_required_permission"
