"""Path parameters, under their former name."""

from config.api.parameters import path_id

__all__ = ["path_id"]
