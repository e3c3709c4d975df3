"""`python -m local.set_up SETTINGS COMMAND …`: several management commands in one process, for a quick start."""

import os
import sys

import django
from django.core.management import call_command


def main(settings: str, commands: list[str]) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    django.setup()
    for command in commands:
        print(f"== {command}", flush=True)
        call_command(*command.split())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
