from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from common.admin import ServiceAdmin, change_each
from user_service.erasure import services
from user_service.erasure.models import Erasure
from user_service.tokens.models import Session
from user_service.users.models import User


class ErasureForm(forms.ModelForm):  # type: ignore[type-arg]
    person = forms.ModelChoiceField(
        User.objects.all(),
        widget=AutocompleteSelect(Session._meta.get_field("user"), admin.site),
        help_text="Locked at once, and erased as soon as every part of the system agrees.",
    )

    class Meta:
        model = Erasure
        fields: list[str] = []


@admin.register(Erasure)
class ErasureAdmin(ServiceAdmin):
    """Accounts on their way out. What happens goes through erasure.services; the rows can't be edited."""

    form = ErasureForm
    list_display = ["id", "person", "state", "reason", "unlocks", "requested_at", "deadline", "finished_at"]
    list_filter = ["state", "requested_at"]
    search_fields = ["=id", "=user_id"]
    ordering = ["-requested_at"]
    readonly_fields = ["id", "user_id", "unlocks", "state", "reason", "requested_at", "deadline", "committed_at"]
    readonly_fields += ["finished_at", "version"]
    actions = ["retry", "cancel", "keep_locked"]

    def get_fields(self, request: HttpRequest, obj: Erasure | None = None) -> list[str]:
        return self.readonly_fields if obj else ["person"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Erasure]:
        """With the name of whoever is still there: the row holds none."""
        name = User.objects.filter(pk=OuterRef("user_id")).values("username")
        erasures: QuerySet[Erasure] = super().get_queryset(request).annotate(username=Subquery(name))
        return erasures

    @admin.display(description="person")
    def person(self, erasure: Any) -> str:
        return erasure.username or "erased"

    @admin.display(description="unlocked if not erased", boolean=True)
    def unlocks(self, erasure: Erasure) -> bool:
        return erasure.was_active

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("erasure.change_erasure")

    def save_model(self, request: HttpRequest, obj: Erasure, form: Any, change: bool) -> None:
        started = services.request_erasure(user=form.cleaned_data["person"])
        obj.pk, obj.state = started.erasure.pk, started.erasure.state

    @admin.action(description="Send again what is waited for", permissions=["manage"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Erasure]) -> None:
        change_each(self, request, queryset, lambda row: services.send_again(erasure_id=row.pk), "Sent again.")

    @admin.action(description="Cancel, where nothing is decided yet", permissions=["manage"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Erasure]) -> None:
        change_each(self, request, queryset, lambda row: services.cancel_erasure(erasure_id=row.pk), "Cancelled.")

    @admin.action(description="Keep the account locked, if it is not erased", permissions=["manage"])
    def keep_locked(self, request: HttpRequest, queryset: QuerySet[Erasure]) -> None:
        message = "Stays locked if it is not erased."
        change_each(self, request, queryset, lambda row: services.keep_locked(erasure_id=row.pk), message)
