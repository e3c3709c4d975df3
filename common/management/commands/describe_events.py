"""Says which events this service tells and hears: its publications.py and its subscriptions.py."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from common import inbox


class Command(BaseCommand):
    help = "Print the types that this service tells and hears, as JSON."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        told = import_string(f"{settings.SERVICE}.publications.PUBLICATIONS")
        self.stdout.write(
            json.dumps({"tells": [kind.type for kind in told], "hears": [kind.type for kind in inbox.handlers()]})
        )
