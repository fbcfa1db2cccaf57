"""What happens to segments; call as `services.create(...)`."""

from segments.services.erasure import erase, leave
from segments.services.membership import is_member, members, members_of, segments_of, which_of
from segments.services.previews import Preview, preview
from segments.services.profiles import collect, create, delete, find, segments_naming, update
from segments.services.verdicts import Why, why, why_filter

__all__ = [
    "Preview",
    "Why",
    "collect",
    "create",
    "delete",
    "erase",
    "find",
    "is_member",
    "leave",
    "members",
    "members_of",
    "preview",
    "segments_naming",
    "segments_of",
    "update",
    "which_of",
    "why",
    "why_filter",
]
