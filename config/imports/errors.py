"""Why a file as a whole cannot be imported. Each sentence is for people; the API sends it as `details`."""

from __future__ import annotations

from config.kernel.errors import Invalid, InvalidPayload


class UnreadableFile(InvalidPayload):
    """Invalid payload"""


class EmptyFile(UnreadableFile):
    """Invalid payload"""


class HeaderOnly(UnreadableFile):
    """Invalid payload"""


class BinaryFile(UnreadableFile):
    """Invalid payload"""


class TooManyColumns(UnreadableFile):
    """Invalid payload"""


class BrokenHeader(UnreadableFile):
    """Invalid payload"""


class FileTooLarge(UnreadableFile):
    """Invalid payload"""


class FileChanged(Invalid):
    """The file is not the one that was mapped; upload it again"""

    key = "file_changed"


class WrongMapping(InvalidPayload):
    """Invalid payload"""
