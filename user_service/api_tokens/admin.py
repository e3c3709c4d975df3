from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from common.admin import ApiTokenAdmin as BaseAdmin
from common.models import ApiToken
from user_service.api_tokens import services


@admin.register(ApiToken)
class ApiTokenAdmin(BaseAdmin):
    """API tokens of all people. They are made by people only; an operator may revoke them."""

    actions = ["revoke"]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("common.change_apitoken")

    @admin.action(description="Revoke the selected API tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        revoked = 0
        for token in queryset.filter(revoked_at=None):
            services.revoke_api_token(token=token)
            self.log_change(request, token, "Revoked.")
            revoked += 1
        self.message_user(request, f"Revoked. {revoked} changed." if revoked else "Nothing to change.")
