from axes.models import AccessAttempt
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from common.admin import ReadOnlyAdmin
from user_service.lockout import services


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    """Failed sign-ins that still count. What was sent along is not shown: nothing of it is needed."""

    list_display = ["username", "ip_address", "user_agent", "failures_since_start", "attempt_time", "path_info"]
    search_fields = ["username", "ip_address"]
    ordering = ["-attempt_time"]
    show_full_result_count = False
    fields = list_display
    actions = ["unlock"]

    @admin.action(description="Unlock", permissions=["unlock"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[AccessAttempt]) -> None:
        attempts = {attempt.username: attempt for attempt in queryset}
        for name, attempt in attempts.items():
            self.log_change(request, attempt, f"Unlocked {name}.")
            services.unlock(name=name)
        self.message_user(request, f"Unlocked: {', '.join(attempts)}.")

    def has_unlock_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("axes.delete_accessattempt"))
