import os
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from common.environment import refuse_local_only
from user_service.users import services
from user_service.users.models import User

FLAGS = {"is_staff": True, "is_superuser": True, "is_active": True}
OTHER_FIELDS = {field.name for field in User._meta.fields} - {"username"}


class Command(BaseCommand):
    help = "Make the superuser OPERATOR_USERNAME, with OPERATOR_PASSWORD. One who is there stays as they are."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--reset",
            action="store_true",
            help="give one who is there the rights and the password, for who is shut out",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        username, password = os.environ.get("OPERATOR_USERNAME"), os.environ.get("OPERATOR_PASSWORD")
        if not username or not password:
            raise CommandError("Set OPERATOR_USERNAME and OPERATOR_PASSWORD")
        refuse_local_only("OPERATOR_PASSWORD", password)
        try:
            User(username=username).clean_fields(exclude=OTHER_FIELDS)
        except ValidationError as error:
            raise CommandError(f"OPERATOR_USERNAME: {' '.join(error.messages)}") from error
        user = User.objects.named(username).first()
        if user is None:
            email = f"{username}@localhost.localdomain"
            services.register_user(username=username, email=email, password=password, is_staff=True, is_superuser=True)
            self.stdout.write(f"made: {username}")
            return
        if options["reset"]:
            services.update_user(user=user, changes=FLAGS)
            services.set_password(user=user, password=password)
        self.stdout.write(f"reset: {username}" if options["reset"] else f"there: {username}")
