from rest_framework import serializers

from common.serializers import ModelSerializer
from user_service.exports.models import Export


class ExportSerializer(ModelSerializer):
    archive = serializers.SerializerMethodField(help_text="where to get it, once it is ready")

    class Meta:
        model = Export
        fields = ["id", "state", "requested_at", "ready_at", "expires_at", "archive"]
        read_only_fields = fields

    def get_archive(self, export: Export) -> str | None:
        return "/api/v1/users/me/export/?format=zip" if export.state == Export.State.READY else None
