from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from common.admin import ApiTokenAdmin, ReadOnlyAdmin
from common.models import ApiToken
from task_service.user_mirror.models import User

admin.site.unregister(Group)
admin.site.register(ApiToken, ApiTokenAdmin)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People are kept at user_service; this is what it told us. What an operator may do here is our own to say."""

    list_display = ["username", "display_name", "is_active", "is_staff", "is_superuser", "version"]
    list_filter = ["is_active", "is_staff", "is_superuser"]
    search_fields = ["username", "display_name"]
    ordering = ["username"]
    readonly_fields = ["id", "username", "display_name", "is_active", "is_staff", "is_superuser", "version"]
    autocomplete_fields = ["user_permissions"]
    fields = [*readonly_fields, *autocomplete_fields]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Who may hand out permissions has all of them."""
        return bool(request.user.is_active and request.user.is_superuser)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """The row is its handler's; of the form only the permissions are saved, beside it."""
