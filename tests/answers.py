"""Reading answers: problems (RFC 9457) and what they say of each field."""

MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


def assert_problem(response, status, code):
    body = response.json()
    assert response.status_code == status, body
    assert response.headers["Content-Type"] == "application/problem+json"
    assert set(body) - {"errors"} == MEMBERS
    assert (body["type"], body["status"], body["code"]) == ("about:blank", status, code)
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response.headers["X-Request-ID"]
    return body


def without_id(response):
    """The body, but for what is new in every answer."""
    return {name: value for name, value in response.json().items() if name != "request_id"}


def field_errors(response):
    """`{field: code}` of a 400."""
    assert response.status_code == 400, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    return {error["field"]: error["code"] for error in response.json()["errors"]}
