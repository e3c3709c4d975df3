import pytest

from common.ids import uuid7
from tests.answers import assert_problem, field_errors
from user_service.users import services
from user_service.users.models import JOINERS

URL = "/api/v1/users/"


@pytest.fixture
def directory(alice, bob, charlie, api_of):
    return api_of(alice)


def names(response):
    assert response.status_code == 200, response.content
    return [person["username"] for person in response.json()["results"]]


def test_everybody_is_in_it_with_three_fields(directory, bob):
    results = directory.get(URL).json()["results"]
    assert [person["username"] for person in results] == ["alice", "bob", "charlie"]
    assert results[1] == {"id": str(bob.id), "username": "bob", "display_name": "Bob Berg"}


def test_it_is_for_people_who_are_signed_in(alice, api):
    assert_problem(api.get(URL), 401, "not_authenticated")
    assert_problem(api.get(f"{URL}{alice.id}/"), 401, "not_authenticated")


def test_one_person_shows_the_same_three_fields(directory, bob):
    response = directory.get(f"{URL}{bob.id}/")
    assert response.json() == {"id": str(bob.id), "username": "bob", "display_name": "Bob Berg"}
    assert directory.get(f"{URL}{bob.id}/", headers={"if-none-match": response.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("bob", ["bob"]),
        ("BER", ["bob"]),
        ("berg bo", ["bob"]),
        ("ch", ["charlie"]),
        ("arlie", []),
        ("nobody", []),
        ("", ["alice", "bob", "charlie"]),
        ("!&|():*'\\", []),
        ("bob'", ["bob"]),
    ],
)
def test_search_finds_the_start_of_words(directory, search, found):
    assert names(directory.get(URL, {"search": search})) == found


@pytest.mark.parametrize("username", ["bob.smith", "user-1", "a+b_c", "x.-_+y", "v1.2-3", "-7", "_"])
def test_search_finds_a_username_with_signs_in_it(directory, register, username):
    register(username)
    assert names(directory.get(URL, {"search": username})) == ([username] if any(map(str.isalnum, username)) else [])


@pytest.mark.parametrize("joiner", JOINERS)
def test_search_finds_every_word_of_what_a_sign_joins(directory, register, joiner):
    register("dora", display_name=f"Ann{joiner}Marie 1{joiner}2")
    assert [names(directory.get(URL, {"search": word})) for word in ("ann", "mari", "2")] == [["dora"]] * 3


@pytest.mark.parametrize(("search", "code"), [("a\u0000b", "null_characters_not_allowed"), ("x" * 151, "max_length")])
def test_a_search_that_is_too_long_or_no_text_is_refused(directory, search, code):
    assert field_errors(directory.get(URL, {"search": search})) == {"search": code}


def test_who_is_locked_out_is_not_in_it(directory, bob):
    services.update_user(user=bob, changes={"is_active": False})
    assert "bob" not in names(directory.get(URL))
    assert names(directory.get(URL, {"search": "bob"})) == []
    assert_problem(directory.get(f"{URL}{bob.id}/"), 404, "not_found")


@pytest.mark.parametrize("who", [uuid7(), "not-an-id", "1", "%00"])
def test_who_is_unknown_is_a_404(directory, who):
    assert_problem(directory.get(f"{URL}{who}/"), 404, "not_found")


def test_pages_lead_forward_and_back(directory):
    first = directory.get(URL, {"page_size": 2})
    assert (names(first), first.json()["previous"]) == (["alice", "bob"], None)
    second = directory.get(first.json()["next"])
    assert (names(second), second.json()["next"]) == (["charlie"], None)
    assert names(directory.get(second.json()["previous"])) == ["alice", "bob"]


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [("username", ["alice", "bob", "charlie"]), ("-username", ["charlie", "bob", "alice"])],
)
def test_pages_keep_their_order(directory, ordering, expected):
    seen, url = [], f"{URL}?ordering={ordering}&page_size=1"
    while url:
        response = directory.get(url)
        seen += names(response)
        url = response.json()["next"]
    assert seen == expected


def test_the_count_is_there_when_asked_for(directory):
    assert "count" not in directory.get(URL).json()
    assert directory.get(URL, {"with_count": "true", "page_size": 1}).json()["count"] == 3


@pytest.mark.parametrize(
    ("parameter", "value", "code"),
    [
        ("page_size", "0", "invalid"),
        ("page_size", "201", "invalid"),
        ("page_size", "-1", "invalid"),
        ("page_size", "\u0663", "invalid"),
        ("page_size", "9" * 5000, "invalid"),
        ("with_count", "yes", "invalid"),
        ("ordering", "email", "invalid"),
        ("ordering", "--username", "invalid"),
        ("cursor", "rubbish", "invalid"),
        ("cursor", "\u0663", "invalid"),
        ("cursor", "", "invalid"),
        ("cursor", "W10", "invalid"),
        ("page", "2", "unknown"),
        ("username", "bob", "unknown"),
    ],
)
def test_bad_parameters_are_named(directory, parameter, value, code):
    assert field_errors(directory.get(URL, {parameter: value})) == {parameter: code}


def test_a_parameter_given_twice_is_refused(directory):
    assert field_errors(directory.get(f"{URL}?search=a&search=b")) == {"search": "repeated"}


def test_a_cursor_belongs_to_its_ordering(directory):
    cursor = directory.get(URL, {"page_size": 1}).json()["next"].split("cursor=")[1].split("&")[0]
    assert field_errors(directory.get(f"{URL}?ordering=username&cursor={cursor}")) == {"cursor": "invalid"}


def test_people_are_not_made_or_changed_here(directory, bob):
    assert_problem(directory.post(URL, {}), 405, "method_not_allowed")
    assert_problem(directory.patch(f"{URL}{bob.id}/", {}), 405, "method_not_allowed")
    assert_problem(directory.delete(f"{URL}{bob.id}/"), 405, "method_not_allowed")
