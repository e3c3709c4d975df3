"""API tokens as pages: Alice makes hers in the browsable API, Olga sees and revokes anybody's in the admin."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.utils import timezone

from common import api_tokens
from common.models import ApiToken
from user_service.api_tokens import services

URL = "/api/v1/auth/api-tokens/"
LIST = "/admin/users/common/apitoken/"


def is_good(made):
    return api_tokens.find(made.secret.encode()) is not None


class TestBrowser:
    @pytest.fixture
    def send(self, alice, browser_of):
        browser = browser_of(alice)
        page = browser.get(URL).content.decode()
        assert "<h1>API tokens</h1>" in page
        assert '<select multiple class="form-control" name="scopes">' in page

        def send(**fields):
            fields |= {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
            return browser.post(URL, fields)

        return send

    def test_the_form_makes_one(self, send):
        expires_at = f"{timezone.now() + timedelta(days=30):%Y-%m-%dT%H:%M}"
        response = send(name="backup", scopes=["tasks:read", "tasks:write"], expires_at=expires_at)
        assert response.status_code == 201
        assert "&quot;token&quot;: &quot;tdm_" in response.content.decode()
        assert ApiToken.objects.get().scopes == ["tasks:read", "tasks:write"]

    def test_a_mistake_is_shown_and_the_rest_is_kept(self, send):
        response = send(name="backup", scopes=["tasks:write"], expires_at="2001-01-01T00:00")
        page = response.content.decode()
        assert response.status_code == 400
        assert "Give a time in the future." in page
        assert re.search('<option value="tasks:write" selected', page)


class TestAdmin:
    @pytest.fixture
    def make(self):
        expires_at = timezone.now() + timedelta(days=30)
        scopes = [ApiToken.Scope.PROFILE_READ]
        return lambda person, name="backup": services.create_api_token(
            user=person, name=name, scopes=scopes, expires_at=expires_at
        )

    def test_the_operator_sees_them_and_never_the_hash(self, alice, olga, make, admin_of):
        token, _ = make(alice, "Nightly <backup>")
        for url in (LIST, f"{LIST}?q=alice", f"{LIST}{token.pk}/change/"):
            page = admin_of(olga).get(url).content.decode()
            assert "Nightly &lt;backup&gt;" in page
            assert token.digest not in page
        assert token.digest[:8] in page
        assert 'name="_save"' not in page

    def test_the_operator_finds_whose_a_leaked_one_is(self, alice, bob, olga, make, admin_of):
        leaked, _ = make(alice, "leaked"), make(bob, "other")
        page = admin_of(olga).get(LIST, {"q": api_tokens.digest_of(leaked.secret.encode())}).content.decode()
        assert "leaked" in page
        assert "other" not in page

    def test_the_operator_revokes_some(self, alice, olga, make, admin_of):
        made, other = make(alice), make(alice)
        response = admin_of(olga).post(LIST, {"action": "revoke", "_selected_action": [made.token.pk]}, follow=True)
        assert "Revoked. 1 changed." in response.content.decode()
        assert [is_good(made), is_good(other)] == [False, True]
        [entry] = LogEntry.objects.all()
        assert (entry.user, entry.object_id, entry.change_message) == (olga, str(made.token.pk), "Revoked.")

    def test_who_may_only_look_may_not_revoke(self, alice, register, make, admin_of):
        made, viewer = make(alice), register("viewer", is_staff=True)
        viewer.user_permissions.add(Permission.objects.get(codename="view_apitoken"))
        admin = admin_of(viewer)
        assert "Revoke the selected" not in admin.get(LIST).content.decode()
        admin.post(LIST, {"action": "revoke", "_selected_action": [made.token.pk]})
        assert is_good(made)
