from django.contrib import admin
from django.contrib.auth.models import Group

from common.admin import ReadOnlyAdmin
from task_service.user_mirror.models import User

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People are kept at user_service; this is what it told us."""

    list_display = ["username", "display_name", "is_active", "is_staff", "is_superuser", "version"]
    list_filter = ["is_active", "is_staff", "is_superuser"]
    search_fields = ["username", "display_name"]
    ordering = ["username"]
    fields = ["id", "username", "display_name", "is_active", "is_staff", "is_superuser", "version"]
