"""Tokens that open one file each: nothing is stored, so a link can be shown again.

Their secret is nobody else's: receivers of webhooks know theirs, and rotating that must not break links.
"""

from __future__ import annotations

import hashlib
import hmac

from config.project import encryption
from config.project.models import Project


def token_of(project: Project, file: str) -> str:
    """The key of one file under the project's secret of files. file: its kind and id, e.g. `export:exp_…`."""
    secret = encryption.decrypt(project.file_secret or project.webhook_token)
    return hmac.new(secret.encode(), file.encode(), hashlib.sha256).hexdigest()


def opens(project: Project, file: str, token: str) -> bool:
    """Whether the token is this file's."""
    return hmac.compare_digest(token_of(project, file).encode(), token.encode("utf-8", "replace"))
