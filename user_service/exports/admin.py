from django.contrib import admin

from common.admin import ReadOnlyAdmin
from user_service.exports.models import Export


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = ["id", "user", "state", "requested_at", "ready_at", "expires_at"]
    list_select_related = ["user"]
    list_filter = ["state"]
    search_fields = ["user__username"]
    ordering = ["-id"]
