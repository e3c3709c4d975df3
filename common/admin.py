"""What the admin of every service is made of."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.auth.models import Permission
from django.core.exceptions import SuspiciousOperation, ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from common.models import ApiToken

Row = TypeVar("Row", bound=Model)


def offered_fields(list_filter: Iterable[Any]) -> set[str]:
    """Return the fields that a list is filtered by as one likes; a filter that is a class reads its one parameter."""
    return {field if isinstance(field, str) else field[0] for field in list_filter if not isinstance(field, type)}


class OfferedLookups(ModelAdmin):  # type: ignore[misc]
    """A list may be filtered by what it offers, and by nothing else: a filter reads what it is on, letter by letter."""

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        filters = {name: values for name, values in request.GET.lists() if name != SEARCH_VAR}  # its form refuses NUL
        if any("\0" in value for values in filters.values() for value in values):
            raise SuspiciousOperation("PostgreSQL takes no NUL")  # a 400
        response: HttpResponse = super().changelist_view(request, *args, **kwargs)
        return response

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        filters = self.get_list_filter(request)
        parameters = {
            each.parameter_name for each in filters if isinstance(each, type) and issubclass(each, SimpleListFilter)
        }
        return lookup in parameters or lookup.partition("__")[0] in offered_fields(filters)


class ServiceForm:
    """What a service refused, next to its field. The constraints of the database are left to the service to explain."""

    refusal: ValidationError | None = None

    def _post_clean(self) -> None:
        form: Any = self
        form.instance.validate_constraints = lambda exclude: None
        super()._post_clean()  # type: ignore[misc]
        if self.refusal:
            form.add_error(None, self.refusal)


class ServiceAdmin(OfferedLookups):
    """Rows that are written by services. Where one raises ValidationError, nothing is saved and the form comes back.

    A form tells what its fields held when it was shown: only what the operator changed counts as changed, and what came
    meanwhile from elsewhere stays.
    """

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        except ValidationError as error:
            request.refusal = error  # type: ignore[attr-defined]
            response = super().changeform_view(request, *args, **kwargs)
        return response

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.show_hidden_initial = True
        return field

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form)(form.__name__, (ServiceForm, form), {"refusal": getattr(request, "refusal", None)})


def change_each(
    admin: ModelAdmin, request: HttpRequest, rows: Iterable[Row], change: Callable[[Row], bool], message: str
) -> None:
    """An action: let a service change each row, log for each that it did, and tell how many."""
    changed = 0
    for row in rows:
        if change(row):
            admin.log_change(request, row, message)
            changed += 1
    admin.message_user(request, f"{message} {changed} changed." if changed else "Nothing to change.")


class ReadOnlyAdmin(OfferedLookups):
    """Rows that nobody may write by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Permission)
class PermissionAdmin(ReadOnlyAdmin):
    """For the picker in a person's form only."""

    search_fields = ["name", "content_type__app_label", "codename"]
    ordering = ["content_type__app_label", "content_type__model", "codename"]
    list_select_related = ["content_type"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False


class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ["name", "user", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at"]
    list_filter = ["created_at", "expires_at", ("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["name", "user__username", "=digest"]
    ordering = ["-id"]
    show_full_result_count = False
    fields = ["id", *list_display, "fingerprint"]
    readonly_fields = ["fingerprint"]

    @admin.display(description="Start of the secret's hash")
    def fingerprint(self, token: ApiToken) -> str:
        return token.digest[:8]


from common import mirror_admin  # noqa: E402, F401 - made of what is above
from common.events_admin import pages  # noqa: E402, F401 - they are made of what is above
