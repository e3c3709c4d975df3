"""The admin site of every service: people come in by the edge's one sign-in."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.sites import UnfoldAdminSite

from common.events_admin.summary import summary


class AdminSite(UnfoldAdminSite):  # type: ignore[misc]
    index_template = "common/admin/index.html"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"deliveries": summary(request.user)} | (extra_context or {})
        response: HttpResponse = super().index(request, context)
        return response

    def get_urls(self) -> list[Any]:
        """Without Django's `r/…`, which leads to pages that no row of ours has."""
        return [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_permission(request)) and not self.needs_second_factor(request)

    def needs_second_factor(self, request: HttpRequest) -> bool:
        """Whether this sign-in lacks one that the installation wants of operators."""
        token: Any = getattr(request, "access_token", {})
        return settings.OPERATORS_NEED_SECOND_FACTOR and "mfa" not in token.get("amr", [])

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        wanted = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
            wanted = reverse("admin:index")
        if self.has_permission(request):
            return HttpResponseRedirect(wanted)
        if super().has_permission(request):
            return HttpResponseRedirect(f"{settings.LOGIN_URL}second-factor/?{urlencode({'next': wanted})}")
        if hasattr(request, "access_token"):  # a good sign-in of who is no operator, or not active here: no other helps
            raise PermissionDenied
        return HttpResponseRedirect(f"{settings.LOGIN_URL}?{urlencode({'next': wanted})}")

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return HttpResponseRedirect(f"{settings.LOGIN_URL}password/")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return HttpResponseRedirect("/logout/", preserve_request=True)
