"""Where things lie on disk."""

from __future__ import annotations

from pathlib import Path

from config.env import env_str

BASE_DIR = Path(__file__).resolve().parent.parent


def data_dir() -> Path:
    """The data folder: DATA_DIR, else `.data` beside manage.py."""
    return Path(env_str("DATA_DIR", str(BASE_DIR / ".data"))).resolve()
