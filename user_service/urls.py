"""What user_service answers."""

from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.routers import SimpleRouter

from user_service.account import pages as account_pages
from user_service.api_tokens.views import ApiTokensView
from user_service.erasure.views import ErasureStatusView
from user_service.exports.views import ExportView
from user_service.second_factor import pages as second_factor_pages
from user_service.second_factor import views as second_factor
from user_service.tokens import pages, password_pages, password_views
from user_service.tokens import views as tokens
from user_service.users import views as users

router = SimpleRouter(use_regex_path=False)
router.register("users", users.PeopleView, basename="user")
router.register("auth/sessions", tokens.SessionsView, basename="session")
router.register("auth/api-tokens", ApiTokensView, basename="api-token")

sign_in: Any = (
    [
        path("login/", pages.LoginPage.as_view(), name="login"),
        path("login/renew/", pages.RenewPage.as_view(), name="renew"),
        path("login/code/", second_factor_pages.CodePage.as_view(), name="code"),
        path("login/second-factor/", second_factor_pages.SecondFactorPage.as_view(), name="second-factor"),
        path("login/second-factor/confirm/", second_factor_pages.TurnOnPage.as_view(), name="second-factor-confirm"),
        path("login/second-factor/recovery-codes/", second_factor_pages.RecoveryCodesPage.as_view(), name="new-codes"),
        path("login/forgot/", password_pages.ForgotPage.as_view(), name="forgot"),
        path("login/reset/", password_pages.ResetPage.as_view(), name="reset"),
        path("login/password/", password_pages.PasswordPage.as_view(), name="password"),
        path("login/account/", account_pages.AccountPage.as_view(), name="account"),
        path("login/account/sessions/end/", account_pages.EndSessions.as_view(), name="end-sessions"),
        path("login/account/sessions/<uuid:session_id>/end/", account_pages.EndSession.as_view(), name="end-session"),
        path("login/account/api-tokens/<uuid:token_id>/revoke/", account_pages.RevokeApiToken.as_view(), name="revoke"),
        path("login/account/delete/", account_pages.DeletionPage.as_view(), name="delete-account"),
        path("login/erasure/", account_pages.ErasurePage.as_view(), name="erasure"),
        path("login/register/", account_pages.RegistrationPage.as_view(), name="registration"),
        path("login/account/export/", account_pages.RequestExport.as_view(), name="request-export"),
        path("logout/", pages.LogoutPage.as_view(), name="logout"),
    ],
    "rest_framework",  # the browsable API links to these names
)
docs = SpectacularSwaggerView.as_view(
    url="/api/schema/users/",
    title="API docs · Tandem",
    template_name="common/docs.html",
    http_method_names=["get", "head"],
)
v1: list[URLPattern | URLResolver] = [
    path("auth/register/", tokens.RegisterView.as_view(), name="register"),
    path("auth/token/", tokens.TokenView.as_view(), name="token"),
    path("auth/token/refresh/", tokens.RefreshView.as_view(), name="token-refresh"),
    path("auth/logout/", tokens.LogoutView.as_view(), name="token-logout"),
    path("auth/logout-all/", tokens.LogoutAllView.as_view(), name="logout-all"),
    path("auth/password/", password_views.PasswordView.as_view(), name="password"),
    path("auth/second-factor/", second_factor.SecondFactorView.as_view(), name="second-factor"),
    path("auth/second-factor/confirm/", second_factor.TurnOnView.as_view(), name="second-factor-confirm"),
    path("auth/second-factor/recovery-codes/", second_factor.RecoveryCodesView.as_view(), name="recovery-codes"),
    path("auth/password/reset/", password_views.ResetRequestView.as_view(), name="password-reset"),
    path("auth/password/reset/confirm/", password_views.ResetView.as_view(), name="password-reset-confirm"),
    path("users/me/", users.MeView.as_view(), name="me"),
    path("users/me/export/", ExportView.as_view(), name="export"),
    path("users/erasure/", ErasureStatusView.as_view(), name="erasure-status"),
    path("", include(router.urls)),
]
urlpatterns = [
    path("api/v1/", include(v1)),
    path(".well-known/jwks.json", tokens.JwksView.as_view(), name="jwks"),
    path("", include(sign_in)),
    path("admin/users/", admin.site.urls),
    path("api/schema/users/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", docs),
    path("", include("common.urls")),
]
handler400 = "common.problems.bad_request"
handler403 = "common.problems.permission_denied"
handler404 = "common.problems.not_found"
handler500 = "common.problems.server_error"
