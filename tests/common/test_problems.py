import json

import pytest
from django.test import Client

from tests.answers import assert_problem, field_errors

PLANS = "/api/plans/"
JSON = {"accept": "application/json"}
HTML = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


class TestBadInput:
    def test_each_field_is_named_with_its_own_code(self, api):
        response = api.post(PLANS, {"title": "", "tags": 5})
        assert field_errors(response) == {"title": "blank", "tags": "not_a_list"}
        assert_problem(response, 400, "invalid")

    def test_a_single_error_gives_its_code_to_the_whole(self, api):
        assert_problem(api.post(PLANS, {}), 400, "required")

    def test_nested_fields_are_dotted(self, api):
        response = api.post(PLANS, {"title": "a", "owner": {"text": "much too long"}})
        assert field_errors(response) == {"owner.text": "max_length"}

    def test_list_items_are_named_by_index(self, api):
        body = {"title": "a", "steps": [{"text": "fine"}, {"text": ""}, {}], "tags": ["ok", "long"]}
        errors = field_errors(api.post(PLANS, body))
        assert errors == {"steps.1.text": "blank", "steps.2.text": "required", "tags.1": "max_length"}

    def test_an_item_of_the_wrong_kind_is_named(self, api):
        errors = field_errors(api.post(PLANS, {"title": "a", "steps": ["text"]}))
        assert list(errors.values()) == ["invalid"]

    def test_unknown_fields_are_refused_at_every_depth(self, api):
        body = {"title": "a", "odd": 1, "owner": {"text": "b", "odd": 1}}
        assert field_errors(api.post(PLANS, body)) == {"odd": "unknown"}
        assert field_errors(api.post(PLANS, {"title": "a", "owner": {"text": "b", "odd": 1}})) == {
            "owner.odd": "unknown"
        }

    def test_read_only_fields_are_refused(self, api):
        assert field_errors(api.post(PLANS, {"title": "a", "at": None})) == {"at": "read_only"}

    def test_an_error_of_the_whole_has_a_name(self, api):
        assert field_errors(api.post(PLANS, {"title": "odd"})) == {"non_field_errors": "odd"}

    @pytest.mark.parametrize("body", ["[]", '"text"', "5", "null", "[{}]"])
    def test_a_body_that_is_no_object_is_named_so(self, api, body):
        response = api.post(PLANS, body, content_type="application/json")
        assert set(field_errors(response)) == {"non_field_errors"}

    @pytest.mark.parametrize("body", ["{", "", "{'a': 1}", "\xff", '{"title": NaN}', "[" * 5000])
    def test_malformed_json_is_said_to_be_so(self, api, body):
        response = api.post(PLANS, body.encode("latin-1"), content_type="application/json")
        assert response.status_code == 400
        assert response.headers["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/cbor"])
    def test_another_media_type_is_a_415(self, api, kind):
        assert_problem(api.post(PLANS, "x", content_type=kind), 415, "unsupported_media_type")

    def test_what_a_form_sends_along_is_unknown_in_json(self, api):
        body = {"title": "a", "csrfmiddlewaretoken": "x"}
        assert field_errors(api.post(PLANS, body)) == {"csrfmiddlewaretoken": "unknown"}

    def test_a_form_is_as_good_as_json(self, client):
        assert client.post(PLANS, {"title": "a", "csrfmiddlewaretoken": "x"}, headers=JSON).status_code == 200


class TestEveryLayer:
    def test_an_unknown_path(self, client):
        assert_problem(client.get("/nothing/", headers=JSON), 404, "not_found")

    @pytest.mark.parametrize("path", ["/%00", "/a%0Ab", "/..%2f", "/" + "x" * 5000, "/%ff"])
    def test_a_strange_path(self, client, path):
        assert_problem(client.get(path), 404, "not_found")

    def test_a_method_that_is_not_allowed(self, api):
        response = api.get(PLANS)
        assert_problem(response, 405, "method_not_allowed")
        assert "POST" in response.headers["Allow"]

    def test_an_answer_that_cannot_be_given_in_that_form(self, client):
        assert_problem(client.get("/api/who/", headers={"accept": "image/png"}), 406, "not_acceptable")

    @pytest.mark.parametrize("prefix", ["/api/raises/", "/raises/"])
    @pytest.mark.parametrize(
        ("name", "status", "code"),
        [
            ("broken", 500, "internal_error"),
            ("database", 503, "service_unavailable"),
            ("forbidden", 403, "permission_denied"),
            ("missing", 404, "not_found"),
            ("suspicious", 400, "bad_request"),
        ],
    )
    def test_an_error_in_a_view(self, client, prefix, name, status, code):
        response = client.get(f"{prefix}{name}/", headers=JSON)
        assert_problem(response, status, code)
        assert "secret" not in response.content.decode()

    @pytest.mark.parametrize("name", ["database", "unavailable"])
    def test_what_is_unavailable_says_when_to_come_back(self, client, name):
        response = client.get(f"/api/raises/{name}/")
        assert_problem(response, 503, "service_unavailable")
        assert response.headers["Retry-After"] == "5"

    def test_a_model_s_validation_error_is_a_400(self, client):
        assert field_errors(client.get("/api/raises/invalid/")) == {"title": "unique"}
        assert field_errors(client.get("/api/raises/whole/")) == {"non_field_errors": "odd"}

    def test_a_host_that_is_not_ours(self, client):
        assert_problem(client.get("/accepts/", headers={"host": "evil.example"}), 400, "bad_request")

    def test_a_form_without_csrf_token(self):
        client = Client(enforce_csrf_checks=True)
        assert_problem(client.post("/accepts/"), 403, "csrf_failed")

    def test_a_body_that_is_larger_than_it_says(self, client):
        response = client.post(PLANS, "x" * 3_000_000, content_type="application/json")
        assert 400 <= response.status_code < 500
        assert response.headers["Content-Type"] == "application/problem+json"

    def test_too_many_fields(self, client):
        body = "&".join(f"f{number}=1" for number in range(1500))
        response = client.post(PLANS, body, content_type="application/x-www-form-urlencoded")
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.status_code == 400


class TestForBrowsers:
    @pytest.mark.parametrize(
        ("path", "status"),
        [("/nothing/", 404), ("/raises/broken/", 500), ("/raises/forbidden/", 403), ("/raises/database/", 503)],
    )
    def test_an_error_is_a_page(self, client, path, status):
        response = client.get(path, headers=HTML)
        assert response.status_code == status
        assert response.headers["Content-Type"].startswith("text/html")
        assert "<!doctype html>" in response.content.decode().lower()
        assert response.headers["X-Request-ID"] in response.content.decode()

    def test_the_csrf_failure_is_a_page(self):
        response = Client(enforce_csrf_checks=True).post("/accepts/", headers=HTML)
        assert (response.status_code, response.headers["Content-Type"]) == (403, "text/html; charset=utf-8")

    def test_the_page_of_a_503_says_when_to_come_back(self, client):
        assert client.get("/raises/database/", headers=HTML).headers["Retry-After"] == "5"

    def test_a_refused_call_of_the_api_shows_in_the_browsable_api(self, client):
        response = client.post(PLANS, "{", content_type="application/json", headers=HTML)
        assert response.status_code == 400
        assert response.headers["Content-Type"].startswith("text/html")
        assert "parse_error" in response.content.decode()


class TestQueryParameters:
    @pytest.fixture
    def ask(self, alice, issuer, api):
        token = issuer.token(alice)
        return lambda query: api.get(f"/api/who/?{query}", headers={"authorization": f"Bearer {token}"})

    def test_a_known_one_is_fine(self, ask):
        assert ask("colour=red").status_code == 200

    def test_an_unknown_one_is_named(self, ask):
        assert field_errors(ask("color=red&size=1")) == {"color": "unknown", "size": "unknown"}

    def test_a_repeated_one_is_named(self, ask):
        assert field_errors(ask("colour=red&colour=blue")) == {"colour": "repeated"}

    def test_an_empty_one_is_still_unknown(self, ask):
        assert field_errors(ask("color")) == {"color": "unknown"}

    def test_the_form_of_the_answer_may_be_asked_for(self, ask):
        assert ask("format=json").json()["username"] == "alice"

    def test_a_form_that_is_not_there_is_a_404(self, ask):
        assert_problem(ask("format=xml"), 404, "not_found")

    def test_who_is_not_signed_in_learns_nothing_of_parameters(self, db, api):
        assert_problem(api.get("/api/who/?color=red"), 401, "not_authenticated")


def test_a_problem_is_valid_json_even_in_its_strangest_detail(api):
    response = api.post(PLANS, {"title": 'a"\u2028</script>\x00' * 3})
    assert json.loads(response.content)["errors"]
