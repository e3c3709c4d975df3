from django.contrib import admin

from common.admin import ReadOnlyAdmin
from user_service.task_mirror.models import MirroredTask


@admin.register(MirroredTask)
class MirroredTaskAdmin(ReadOnlyAdmin):
    list_display = ["title", "status", "version", "deleted_at"]
    list_filter = ["status"]
    search_fields = ["title"]
    ordering = ["-id"]
    show_full_result_count = False
