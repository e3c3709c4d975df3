from typing import Any
from unicodedata import normalize
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import CharField, F, Func, Value
from django.db.models.functions import Lower
from django.utils import timezone

from common.ids import uuid7
from user_service.users.time_zones import validate_time_zone

JOINERS = ".+-_@/<&"  # PostgreSQL's parser keeps bob.smith, a/b and <b> whole, and takes user-1 for user and -1


def validate_plain(value: str) -> None:
    """Refuse what Unicode calls compatible: a full-width name looks like another's, and no sign-in form keeps it."""
    if normalize("NFKC", value) != value:
        raise ValidationError("Use the plain form of each letter.", code="invalid")


def split(field: str) -> Func:
    """The field's text as `matching` sees it: what joins words is a space."""
    return Func(F(field), Value(JOINERS), Value(" " * len(JOINERS)), function="translate", output_field=CharField())


class UserQuerySet(models.QuerySet["User"]):
    def active(self) -> "UserQuerySet":
        return self.filter(is_active=True)

    def named(self, text: str) -> "UserQuerySet":
        """Whose username this is, or e-mail where it has an @: in any case of letters, as the unique indexes see it."""
        field = "email" if "@" in text else "username"
        return self.alias(folded=Lower(field)).filter(folded=Lower(Value(normalize("NFKC", text))))

    def matching(self, text: str) -> "UserQuerySet":
        """Whose username or display name has a word that starts with each word of the text."""
        words = "".join(c if c.isalnum() else " " for c in text).split()
        query = " & ".join(f"'{word}':*" for word in words)
        return self.filter(search=SearchQuery(query, search_type="raw", config="simple")) if words else self.none()


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
    def from_token(self, claims: dict[str, Any]) -> "User | None":
        found: User | None = self.active().filter(pk=UUID(claims["sub"])).first()
        return found

    from_cookie = from_token


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Written only by users.services, so that every change is an event."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = models.CharField(
        max_length=150,
        validators=[
            RegexValidator(r"^[\w.+-]+\Z", "Use letters, digits and . + - _ only."),
            validate_plain,
        ],
        help_text="Letters, digits and . + - _ only.",
    )
    email = models.EmailField(validators=[validate_plain])
    display_name = models.CharField(max_length=150, blank=True, default="")
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    is_active = models.BooleanField(default=True, help_text="Clear this to lock the person out.")
    is_staff = models.BooleanField("operator", default=False, help_text="May enter the admins.")
    version = models.PositiveBigIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    search = models.GeneratedField(
        expression=SearchVector(split("username"), split("display_name"), config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]
    objects = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("username"), name="users_username_unique"),
            models.UniqueConstraint(Lower("email"), name="users_email_unique"),
        ]
        indexes = [GinIndex("search", name="users_search")]

    def __str__(self) -> str:
        return self.username

    def check_password(self, raw_password: str | None) -> bool:
        """Django's, but that a hash of another cost takes the place of the very one that was checked, not of a new
        password that was set meanwhile.
        """

        def rehash(raw: str) -> None:
            checked, self.password = self.password, make_password(raw)
            type(self).objects.filter(pk=self.pk, password=checked).update(password=self.password)

        return bool(check_password(raw_password, self.password, rehash))

    def get_full_name(self) -> str:
        return self.display_name  # the admin shows the username where this is empty


class PasswordResetRequest(models.Model):
    """Somebody gave this address, known or not. Gone when the schedule has looked, about a second later."""

    email = models.EmailField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"at {self.created_at:%Y-%m-%d %H:%M}"
