from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models


class UserManager(BaseUserManager["User"]):
    def known(self) -> models.QuerySet["User"]:
        """Who may be given a task: not the tombstones of the erased, who have no name, nor who is about to be one."""
        return self.exclude(username="").exclude(erasures__state__in=["committed", "done"])

    def not_erased(self) -> models.QuerySet["User"]:
        return self.exclude(username="")

    def erased(self) -> models.QuerySet["User"]:
        return self.filter(username="")

    def from_token(self, claims: dict[str, Any]) -> "User":
        """Return the token's person without a query: the signature vouches for them."""
        return User(id=UUID(claims["sub"]), username=claims["username"], version=0)

    def from_cookie(self, claims: dict[str, Any]) -> "User | None":
        """Return the person with what the admin needs to know of them, None if they are locked out.

        A person whose event has not come yet is who their token says, with no rights.
        """
        user = self.filter(pk=UUID(claims["sub"])).first() or self.from_token(claims)
        return user if user.is_active else None


class User(AbstractBaseUser, PermissionsMixin):
    """A person as user_service told it; who was erased has no name.

    Written only by the handlers, and by `create_task` for who came before their event.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    version = models.PositiveBigIntegerField(default=0)
    username = models.CharField(max_length=150, db_index=True)
    display_name = models.CharField(max_length=150, blank=True, default="")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("operator", default=False)
    password = None  # type: ignore[assignment]
    last_login = None

    USERNAME_FIELD = "username"
    objects = UserManager()

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.username or "erased person"

    def get_full_name(self) -> str:
        return self.display_name  # the admin shows the username where this is empty

    def has_usable_password(self) -> bool:
        return False
