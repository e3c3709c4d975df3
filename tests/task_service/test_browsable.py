"""The browsable API: a signed-in browser reads, filters, fills forms in and sends them."""

import re

import pytest
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

TASKS = "/api/v1/tasks/"
FORM = {
    "title": "Paint",
    "description": "",
    "status": "todo",
    "priority": "none",
    "start_at": "",
    "due_at": "",
    "parent": "",
}


def page_of(response, status=200):
    assert (response.status_code, response.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    return response.content.decode()


def tag(page, start):
    """Return the first tag of the page that starts so."""
    return re.search(re.escape(start).replace(r"\ ", r"\s[^>]*?") + "[^>]*>", page).group()


def value(page, name):
    return re.search('value="([^"]*)"', tag(page, f'<input name="{name}"')).group(1)


def shown(page):
    """Return the answer in the page, without the forms around it."""
    return re.search('<div class="response-info".*?</pre>', page, re.DOTALL).group()


def chosen(page, name):
    """Return what the select of that name has chosen."""
    select = re.search(f'<select[^>]*name="{name}".*?</select>', page, re.DOTALL).group()
    return re.findall('<option value="([^"]*)"[^>]* selected', select)


def csrf_token(page):
    return re.search('name="csrfmiddlewaretoken" value="([^"]+)"', page).group(1)


def put(browser, url, fields, **headers):
    """Send the form as the page's script does."""
    body = encode_multipart(BOUNDARY, fields)
    return browser.put(url, body, content_type=MULTIPART_CONTENT, headers=headers)


def test_the_list_is_a_page_with_the_tasks_and_a_form(alice):
    alice.make(title="Paint <b>it</b>")
    page = page_of(alice.browser().get(TASKS))
    assert "Paint &lt;b&gt;it&lt;/b&gt;" in page
    assert "<b>it</b>" not in page
    assert value(page, "title") == ""
    assert chosen(page, "status") in ([], ["todo"])


def test_everyone_sees_their_own_tasks_in_the_page(alice, bob, charlie, shared_task):
    seen = ["Paint the fence" in page_of(who.browser().get(TASKS)) for who in (alice, bob, charlie)]
    assert seen == [True, True, False]
    url = alice.url(shared_task)
    codes = [who.browser().get(url).status_code for who in (alice, bob, charlie)]
    assert codes == [200, 200, 404]


def test_the_detail_form_is_filled_in(alice, bob):
    parent = alice.make(title="House")
    task = alice.make(
        title='Paint "it"',
        description="Green & <blue>",
        status="in_progress",
        priority="high",
        due_at="2030-05-01T12:34:56.789Z",
        parent=parent["id"],
        assignees=[str(bob.id)],
    )
    page = page_of(alice.browser().get(alice.url(task)))
    assert value(page, "title") == "Paint &quot;it&quot;"
    assert "Green &amp; &lt;blue&gt;" in page
    assert value(page, "due_at") == "2030-05-01T12:34:56.789"
    assert value(page, "start_at") == ""
    assert [chosen(page, name) for name in ("status", "priority", "parent", "assignees")] == [
        ["in_progress"],
        ["high"],
        [parent["id"]],
        [str(bob.id)],
    ]


def test_bobs_form_keeps_the_parent_that_he_does_not_see(alice, bob, charlie):
    house = alice.make(title="House")
    task = alice.make(parent=house["id"], assignees=[str(bob.id)])
    for who, title_shown in ((alice, True), (bob, False)):
        page = page_of(who.browser().get(who.url(task)))
        assert (chosen(page, "parent"), "House" in page) == ([house["id"]], title_shown)
    assert charlie.browser().get(charlie.url(task)).status_code == 404


def test_a_form_offers_what_is_chosen_now_among_however_many(alice, person):
    zoe = person("zoe")
    parent = alice.make(title="The oldest")
    task = alice.make(parent=parent["id"], assignees=[str(zoe.id)])
    for number in range(101):
        person(f"person{number}")
        alice.make()
    page = page_of(alice.browser().get(alice.url(task)))
    assert (chosen(page, "parent"), chosen(page, "assignees")) == ([parent["id"]], [str(zoe.id)])


def test_a_task_is_made_by_the_form_with_its_csrf_token(alice, bob):
    browser = alice.browser(enforce_csrf_checks=True)
    fields = FORM | {"assignees": [str(bob.id)], "due_at": "2030-05-01T12:30"}
    assert browser.post(TASKS, fields).status_code == 403
    token = csrf_token(page_of(browser.get(TASKS)))
    page_of(browser.post(TASKS, fields | {"csrfmiddlewaretoken": token}), status=201)
    task = alice.list().json()["results"][0]
    assert (task["title"], task["assignees"], task["parent"]) == ("Paint", [str(bob.id)], None)
    assert (task["due_at"], task["start_at"]) == ("2030-05-01T12:30:00.000000Z", None)


def test_a_person_not_heard_of_yet_makes_a_task_by_the_form(db, stranger_here):
    dora = stranger_here("dora")
    page_of(dora.browser().post(TASKS, FORM), status=201)
    assert dora.titles() == ["Paint"]


def test_a_task_is_changed_by_the_form_with_its_csrf_token(alice, bob):
    task = alice.make(title="Paint", description="Green", due_at="2030-05-01T12:30:00Z", assignees=[str(bob.id)])
    browser = alice.browser(enforce_csrf_checks=True)
    fields = FORM | {"title": "Paint it", "assignees": [str(alice.id), str(bob.id)]}
    assert put(browser, alice.url(task), fields).status_code == 403
    token = csrf_token(page_of(browser.get(alice.url(task))))
    page_of(put(browser, alice.url(task), fields, x_csrftoken=token))
    changed = alice.read(task).json()
    assert (changed["title"], changed["description"], changed["due_at"]) == ("Paint it", "", None)
    assert changed["assignees"] == sorted([str(alice.id), str(bob.id)])


def test_a_form_sent_as_it_came_changes_nothing_that_it_shows(alice, bob):
    parent = alice.make(title="House")
    task = alice.make(due_at="2030-05-01T12:34:00Z", priority="low", parent=parent["id"], assignees=[str(bob.id)])
    browser = alice.browser()
    page = page_of(browser.get(alice.url(task)))
    fields = {name: value(page, name) for name in ("title", "start_at", "due_at")} | {"description": ""}
    fields |= {name: chosen(page, name) for name in ("status", "priority", "parent", "assignees")}
    page_of(put(browser, alice.url(task), fields))
    assert alice.read(task).json() == task


@pytest.mark.parametrize("send", ["post", "put"])
def test_a_bad_form_comes_back_as_it_was_sent_with_the_mistake_named(alice, send):
    task = alice.make()
    fields = FORM | {"title": "", "description": "Green", "due_at": "2030-05-01T12:30"}
    browser = alice.browser()
    response = browser.post(TASKS, fields) if send == "post" else put(browser, alice.url(task), fields)
    page = page_of(response, status=400)
    assert "This field may not be blank." in page
    assert "Green" in page
    assert value(page, "due_at") == "2030-05-01T12:30"


def test_a_task_is_deleted_completed_and_reopened_by_the_pages_buttons(alice):
    task = alice.make()
    browser = alice.browser()
    page_of(browser.post(alice.url(task, "complete")))
    assert alice.read(task).json()["status"] == "done"
    page_of(browser.post(alice.url(task, "reopen")))
    assert alice.read(task).json()["status"] == "todo"
    assert browser.delete(alice.url(task)).status_code in (200, 204)
    assert alice.read(task).status_code == 404


def test_the_filter_form_is_there_and_filters(alice):
    alice.make(title="Done one", status="done"), alice.make(title="Open one")
    browser = alice.browser()
    page = page_of(browser.get(TASKS))
    for name in ("status", "priority", "assignee", "parent", "due_before", "overdue", "trashed", "search"):
        assert re.search(f'<(input|select)[^>]*name="{name}"', page), name
    everything_empty = "status=&priority=&assignee=&created_by=&parent=&due_before=&overdue=&trashed=&search="
    assert "Open one" in page_of(browser.get(f"{TASKS}?{everything_empty}"))
    filtered = shown(page_of(browser.get(f"{TASKS}?{everything_empty.replace('status=', 'status=done')}")))
    assert ("Done one" in filtered, "Open one" in filtered) == (True, False)


def test_the_pages_links_lead_forth_and_back(alice):
    for number in range(3):
        alice.make(title=f"Number {number}")
    browser = alice.browser()
    first = page_of(browser.get(f"{TASKS}?page_size=2"))
    link = re.search(r'href="([^"]*cursor=[^"]*)"', first).group(1).replace("&amp;", "&")
    second = page_of(browser.get(link))
    assert ("Number 0" in shown(second), "Number 2" in shown(second)) == (True, False)
    assert 'href="http://testserver/api/v1/tasks/?cursor=' in second


def test_a_refusal_is_a_page_too(alice, charlie, shared_task):
    assert "not_found" in page_of(charlie.browser().get(charlie.url(shared_task)), status=404)
    assert "unknown" in page_of(alice.browser().get(f"{TASKS}?colour=green"), status=400)
    assert "cursor" in page_of(alice.browser().get(f"{TASKS}?cursor=x"), status=400)


def test_who_is_not_signed_in_gets_a_page_that_leads_to_the_sign_in(db):
    response = Client(headers={"accept": "text/html"}).get(TASKS)
    page = page_of(response, status=401)
    assert "/login/?next=/api/v1/tasks/" in page
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_that_has_run_out_is_renewed_by_way_of_the_sign_in(alice):
    alice.sign_in(exp=1)
    response = alice.browser().get(f"{TASKS}?status=done")
    assert response.status_code == 302
    assert response.headers["Location"] == "/login/?next=%2Fapi%2Fv1%2Ftasks%2F%3Fstatus%3Ddone"


@pytest.mark.parametrize("path", [TASKS, "detail"])
@pytest.mark.parametrize("shape", ["json", "api"])
def test_the_format_can_be_chosen_in_the_address(alice, path, shape):
    task = alice.make()
    path = alice.url(task) if path == "detail" else path
    response = alice.browser().get(f"{path}?format={shape}")
    assert response.headers["Content-Type"].startswith({"json": "application/json", "api": "text/html"}[shape])


def test_options_shows_the_page_of_what_can_be_sent(alice):
    assert "title" in page_of(alice.browser().options(TASKS))
