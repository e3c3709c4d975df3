from django.contrib import admin

from common.admin import ReadOnlyAdmin
from user_service.tokens.models import Session


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = ["user", "user_agent", "ip", "second_factor", "created_at", "last_used_at", "revoked_at"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    ordering = ["-id"]
    show_full_result_count = False
