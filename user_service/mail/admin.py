from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from common.admin import ReadOnlyAdmin, change_each
from user_service.mail import services
from user_service.mail.models import OutgoingMail


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin):
    """Never the body: who reads another's one-time token is that person."""

    list_display = ["recipient", "subject", "state", "created_at", "sent_at", "attempts", "next_attempt_at", "error"]
    list_filter = ["state", "subject"]
    search_fields = ["recipient"]
    ordering = ["-id"]
    exclude = ["person", "body"]
    show_full_result_count = False
    actions = ["retry"]

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("mail.change_outgoingmail")

    @admin.action(description="Send what has failed again", permissions=["retry"])
    def retry(self, request: HttpRequest, chosen: QuerySet[OutgoingMail]) -> None:
        change_each(self, request, chosen, lambda mail: services.retry(mail=mail), "Sent again.")
