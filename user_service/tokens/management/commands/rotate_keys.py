from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from user_service.tokens import rotation


class Command(BaseCommand):
    help = (
        "Sign with a new key where the active one is old, delete those whose tokens have run out, show what is there."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--now", action="store_true", help="make a next key, however young the active one is")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            standings = rotation.rotate(now=options["now"])
        except ImproperlyConfigured as error:
            raise CommandError(f"{error}. The first key is made by hand: manage.py create_signing_key") from error
        for standing in standings:
            days, seconds = standing.age.days, standing.age.seconds
            age = f"{days} d {seconds // 3600} h" if days else f"{seconds // 60} min"
            self.stdout.write(f"{standing.state:8} {age:>10}  {standing.path.name}  {standing.kid}")
