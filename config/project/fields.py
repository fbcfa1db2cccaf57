"""Model fields that every app uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from config.kernel import ids

if TYPE_CHECKING:
    TextColumn = models.CharField[str, str]
else:
    TextColumn = models.CharField


class PublicIdField(TextColumn):
    """The id on the wire: made by `config.kernel.ids`, ordered by code point so that time-ordered ids sort by time."""

    def __init__(self, prefix: str = "", **kwargs: Any) -> None:
        self.prefix = prefix
        kwargs.setdefault("max_length", 64)
        kwargs.setdefault("db_collation", "C")
        kwargs.setdefault("editable", False)
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "prefix": self.prefix}

    def has_default(self) -> bool:
        return bool(self.prefix)

    def get_default(self) -> Any:
        return ids.new(self.prefix) if self.prefix else ""
