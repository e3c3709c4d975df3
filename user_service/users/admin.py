from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from common.admin import ReadOnlyAdmin, ServiceAdmin
from user_service.users import services
from user_service.users.models import User

admin.site.unregister(Group)


@admin.register(Permission)
class PermissionAdmin(ReadOnlyAdmin):
    """For the picker in a person's form only."""

    search_fields = ["name", "content_type__app_label", "codename"]
    ordering = ["content_type__app_label", "content_type__model", "codename"]
    list_select_related = ["content_type"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[misc]
    def save(self, commit: bool = True) -> User:
        services.set_password(user=self.user, password=self.cleaned_data["password1"])
        user: User = self.user
        return user


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ServiceAdmin):  # type: ignore[type-arg, misc]
    """People. Saving goes through users.services, so task_service hears of it; nobody is deleted by hand."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = PasswordForm
    list_display = ["username", "display_name", "email", "is_active", "is_staff", "created_at"]
    list_filter = ["is_active", "is_staff", "is_superuser", "created_at"]
    search_fields = ["username", "display_name", "email"]
    ordering = ["-id"]
    filter_horizontal = []
    autocomplete_fields = ["user_permissions"]
    readonly_fields = ["id", "last_login", "created_at", "updated_at", "version"]
    fieldsets = [
        (None, {"fields": ["id", "username", "password"]}),
        ("Person", {"fields": ["display_name", "email", "time_zone"]}),
        ("Rights", {"fields": ["is_active", "is_staff", "is_superuser", "user_permissions"]}),
        ("Record", {"fields": ["version", "created_at", "updated_at"]}),
    ]
    add_fieldsets = [(None, {"fields": ["username", "email", "display_name", "password1", "password2"]})]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        cleaned = form.cleaned_data
        if change:
            fields = {name: cleaned[name] for name in form.changed_data if name not in ("user_permissions", "password")}
            services.update_user(user=obj, changes=fields)
        else:
            made = services.register_user(
                username=cleaned["username"],
                email=cleaned["email"],
                password=cleaned["password1"],
                display_name=cleaned["display_name"],
            )
            obj.pk = made.pk

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
