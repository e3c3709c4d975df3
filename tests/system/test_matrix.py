"""Every route of both services, by every method, as everybody: what the written tables say, with an empty body.

The routes come from the URL configuration: a new one fails here until it has a row. A row's columns are the owner of
the object, another person, nobody, and the operator, who has no rights over things of people outside of the admins. Of
the APIs, a method without a row is 405 to whoever may ask at all.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import pytest

from tests.system.cast import METHODS, Cast
from tests.system.routes import routes_of

API, PAGES, ADMINS = (Path(__file__).with_name(f"matrix{part}.txt") for part in ("", "_pages", "_admins"))
NOT_A_METHOD = ("405 405 401 405", "405 405 405 405")
MODEL = re.compile(r"(/admin/(?:users|tasks)/\w+/\w+/)add/")
MODEL_PAGES = ("", "add/", "{id}/", "{id}/change/", "{id}/delete/", "{id}/history/")


@pytest.fixture(scope="module")
def routes(system):
    return sorted(routes_of(system))


@pytest.fixture
def cast(system, alice, bob):
    return Cast(system, alice, bob)


def is_api(route):
    return route.startswith(("/api/v1/", "/.well-known/"))


def models(routes):
    return [found[1] for route in routes if (found := MODEL.fullmatch(route))]


def check(found, table):
    assert found == table.read_text().splitlines(), "\n".join(found)


def test_of_the_apis_everybody_may_do_what_the_table_says_and_no_more(cast, routes):
    asked = {
        f"{method:7}{path:39} ": " ".join(cast.call(method, path).values())
        for path in filter(is_api, routes)
        for method in METHODS
    }
    check([route + statuses for route, statuses in asked.items() if statuses not in NOT_A_METHOD], API)


def test_a_browser_is_answered_in_the_browsable_apis_as_a_program_is(cast, routes):
    for path in filter(is_api, routes):
        assert cast.browse("GET", path) == cast.call("GET", path), path


def test_of_the_pages_everybody_is_shown_what_the_table_says(cast, routes):
    of_models = tuple(models(routes))
    found = []
    for path in (route for route in routes if not is_api(route) and not route.startswith(of_models)):
        asked = [(" ".join(cast.browse(method, path).values()), method) for method in METHODS]
        found += [
            f"{path:39} {statuses}  {' '.join(method for _, method in same)}"
            for statuses, same in groupby(asked, key=lambda each: each[0])
        ]
    check(found, PAGES)


def test_of_the_admins_the_operator_alone_is_shown_what_the_table_says(cast, routes):
    """A row has of each model its list, add, {id}, change, delete and history, each with GET and POST.

    Any other method is a GET there. To turn away who is no operator the admin does not look at the method, as the rows
    of the other pages show: here it is asked for all of them by GET and POST only, which halves the time.
    """
    cast.leave_traces()

    def row(model):
        cells = []
        for page in MODEL_PAGES:
            *strangers, get = cast.browse("GET", model + page).values()
            *more_strangers, post = cast.browse("POST", model + page).values()
            assert {*strangers, *more_strangers} == {"302"}, model + page
            for method in METHODS[2:]:
                assert cast.browse(method, model + page, ("operator",)) == {"operator": get}, f"{method} {model}{page}"
            cells.append(f"{get} {post}")
        return f"{model:39} {'   '.join(cells)}"

    with ThreadPoolExecutor(4) as pool:
        check(list(pool.map(row, models(routes))), ADMINS)
