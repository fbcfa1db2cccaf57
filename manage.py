#!/usr/bin/env python
"""Django's entry point; with the embedded database around it where DATABASE_URL is unset."""

import os
import sys
from contextlib import nullcontext


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from config import embedded, env, paths

    with nullcontext() if env.env_str("DATABASE_URL") else embedded.server(paths.data_dir()):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
