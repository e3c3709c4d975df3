"""A second factor in a real browser: from the account page, scanned, turned on, asked for at the next sign-in."""

import time

import pyotp

from tests.system.running import PASSWORD

ME = "/api/v1/users/me/"
ACCOUNT = "/login/account/"


def enter(browser, **fields):
    browser.fill(**fields)
    browser.click("form button")


def test_alice_sets_it_up_and_signs_in_with_it(browser, alice):
    browser.open("/login/")
    enter(browser, username=alice.username, password=PASSWORD)
    browser.wait(lambda: browser.path == ACCOUNT)
    browser.follow("Set up")
    enter(browser, password=PASSWORD)
    assert browser.find("svg.segno").size["width"] > 150
    app = pyotp.TOTP(browser.find("form code").text)
    enter(browser, code=app.now())
    browser.see("Your second factor is on")
    assert len(browser.all("li code")) == 10
    browser.follow("I have kept them")
    browser.wait(lambda: browser.path == ACCOUNT)
    browser.see("10 recovery codes left")
    browser.click("form[action='/login/account/sessions/end/'] button")
    browser.see("You are signed out everywhere.")

    browser.open(f"/login/?next={ME}")
    enter(browser, username=alice.username, password=PASSWORD)
    browser.see("One more step")
    enter(browser, code=app.at(time.time() + 30))  # the next one: this one may be used up
    browser.wait(lambda: browser.path == ME)
    assert (browser.strange_requests(), browser.broken()) == ([], [])
