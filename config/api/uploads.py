"""Files that come in over the API: `multipart/form-data` with a part `file`."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from django.core.files.uploadedfile import UploadedFile
from rest_framework import serializers
from rest_framework.request import Request

from config.kernel.errors import InvalidPayload


class UploadBody(serializers.Serializer[Any]):
    """A CSV file with a header line."""

    file = serializers.FileField()


def file_of(request: Request) -> tuple[BinaryIO, str]:
    """The uploaded file and the name it came with. Raises InvalidPayload."""
    upload = request.data.get("file") if hasattr(request.data, "get") else None
    if not isinstance(upload, UploadedFile) or upload.file is None:
        raise InvalidPayload("Payload should have required property 'file'")
    return cast(BinaryIO, upload.file), upload.name or ""
