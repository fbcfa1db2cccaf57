"""Strict serializer fields, under their former name."""

from config.api.fields import (
    LARGEST,
    Body,
    Choice,
    Flag,
    Instant,
    JsonList,
    JsonObject,
    Metadata,
    Text,
    Texts,
    Whole,
    parse,
    path_of,
)

__all__ = [
    "LARGEST",
    "Body",
    "Choice",
    "Flag",
    "Instant",
    "JsonList",
    "JsonObject",
    "Metadata",
    "Text",
    "Texts",
    "Whole",
    "parse",
    "path_of",
]
