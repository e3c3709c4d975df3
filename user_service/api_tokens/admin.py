from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from common.admin import ApiTokenAdmin as BaseAdmin
from common.admin import change_each
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
        def revoked(token: ApiToken) -> bool:
            return services.revoke_api_token(token=token).version != token.version

        change_each(self, request, queryset, revoked, "Revoked.")
