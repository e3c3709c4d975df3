from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from common.admin import ServiceAdmin
from user_service.erasure.models import Erasure
from user_service.second_factor import services as second_factor
from user_service.second_factor.models import SecondFactor
from user_service.users import services
from user_service.users.models import User

admin.site.unregister(Group)
RIGHTS = ["is_staff", "is_superuser", "user_permissions"]


def may_give_rights(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)  # clear "active" to lock somebody out

    def save(self, commit: bool = True) -> User:
        services.set_password(user=self.user, password=self.cleaned_data["password1"])
        user: User = self.user
        return user


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ServiceAdmin):  # type: ignore[type-arg, misc]
    """People. Saving goes through users.services, so task_service hears of it; nobody is deleted by hand.

    Rights are given by superusers, and nobody else touches an operator's account: each would be a way to take theirs.
    """

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = PasswordForm
    list_display = ["username", "display_name", "email", "is_active", "is_staff", "created_at"]
    list_filter = ["is_active", "is_staff", "is_superuser", "created_at"]
    search_fields = ["username", "display_name", "email"]
    ordering = ["-id"]
    filter_horizontal = []
    autocomplete_fields = ["user_permissions"]
    readonly_fields = ["id", "last_login", "has_second_factor", "created_at", "updated_at", "version"]
    fieldsets = [
        (None, {"fields": ["id", "username", "password"]}),
        ("Person", {"fields": ["display_name", "email", "time_zone"]}),
        ("Rights", {"fields": ["is_active", "is_staff", "is_superuser", "user_permissions", "has_second_factor"]}),
        ("Record", {"fields": ["version", "created_at", "updated_at"]}),
    ]
    actions = ["reset_second_factor"]
    add_fieldsets = [(None, {"fields": ["username", "email", "display_name", "password1", "password2"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fixed = super().get_readonly_fields(request, obj)
        return fixed if may_give_rights(request) else [*fixed, *RIGHTS]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        over_operator = obj is not None and (obj.is_staff or obj.is_superuser)
        allowed = bool(super().has_change_permission(request, obj))
        return allowed and (not over_operator or may_give_rights(request))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        cleaned = form.cleaned_data
        if change:
            fields = {name: cleaned[name] for name in form.changed_data if name not in ("user_permissions", "password")}
            if fields.keys() & {"is_active", *RIGHTS}:
                self.refuse_while_erased(obj)
            services.update_user(user=obj, changes=fields)
        else:
            made = services.register_user(
                username=cleaned["username"],
                email=cleaned["email"],
                password=cleaned["password1"],
                display_name=cleaned["display_name"],
            )
            obj.pk = made.pk

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        try:
            response: HttpResponse = super().user_change_password(request, id, form_url)
        except ValidationError as error:
            self.message_user(request, error.messages[0], messages.ERROR)
            return HttpResponseRedirect(request.path)
        return response

    def refuse_while_erased(self, person: User) -> None:
        """The account is locked, and given back as it was if it is not erased: that must not undo what is done here.

        The row stays locked until the form is saved, so that no erasure begins meanwhile.
        """
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        if Erasure.objects.running().filter(user_id=person.pk).exists():
            there = 'cancel that first, or choose "Keep the account locked" there.'
            raise ValidationError(f"This account is being erased, and locked: {there}", code="being_erased")

    @admin.display(description="second factor", boolean=True)
    def has_second_factor(self, user: User) -> bool:
        return SecondFactor.objects.guards(user)

    @admin.action(description="Reset the second factor of the selected people", permissions=["change"])
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        found = queryset.filter(second_factor__confirmed_at__isnull=False)
        people = [person for person in found if self.has_change_permission(request, person)]
        for person in people:
            second_factor.turn_off(user=person)
            self.log_change(request, person, "Second factor reset.")
        self.message_user(
            request, f"Second factor reset: {', '.join(map(str, people))}." if people else "Nobody has one."
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
