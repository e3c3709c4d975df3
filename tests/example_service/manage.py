#!/usr/bin/env python
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # Replaced, not prepended: with the service's own folder on the path its apps would have two names.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_service.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
