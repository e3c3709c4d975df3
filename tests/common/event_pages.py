"""The pages of events in a service's admin, as a browser sees them."""

import pytest
from django.urls import reverse

from common.deliveries import DIRECTIONS

BOTH = pytest.mark.parametrize("direction", DIRECTIONS)


def page(name, *args):
    return reverse(f"admin:{name}", args=args)


def list_of(direction):
    return page(f"common_{DIRECTIONS[direction].model._meta.model_name}_changelist")


def page_of(row):
    return page(f"common_{row._meta.model_name}_change", row.pk)


def text(answer):
    assert answer.status_code == 200, answer
    return answer.content.decode()


def listed(answer):
    text(answer)
    return [row.pk for row in answer.context["cl"].result_list]


def act(browser, direction, action, rows, query="?state=all", **more):
    form = {"action": action, "_selected_action": [row.pk for row in rows], "select_across": 0} | more
    return browser.post(f"{list_of(direction)}{query}", form)


def offered(browser, row):
    answer = browser.get(page_of(row))
    return [action for action, _ in answer.context["offered"] if f'value="{action}"' in text(answer)]
