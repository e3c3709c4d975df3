from typing import Any

from django.core.management.base import BaseCommand

from user_service.tokens import keys


class Command(BaseCommand):
    help = "Write a signing key into SIGNING_KEYS_DIR unless one is there."

    def handle(self, *args: Any, **options: Any) -> None:
        paths = keys.key_paths()
        self.stdout.write(f"there: {paths[-1].name}" if paths else f"made: {keys.create_key().name}")
