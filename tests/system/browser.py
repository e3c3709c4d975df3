"""A person's browser: Debian's chromium, headless. Whatever it does, it waits for, and it keeps account of."""

import json
from collections.abc import Callable
from typing import Any

from selenium.common import exceptions
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.system.running import Person

PROGRAMS = ("chromium", "chromedriver")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage")
NOT_YET = (
    exceptions.NoSuchElementException,
    exceptions.StaleElementReferenceException,
    exceptions.ElementNotInteractableException,
    exceptions.ElementClickInterceptedException,
)
PARTS = ("Stylesheet", "Script", "Image", "Font")


class Browser:
    def __init__(self, url: str, *, program: str, driver: str) -> None:
        self.url = url
        options = ChromeOptions()
        options.binary_location = program
        for flag in (*FLAGS, "--window-size=1280,1600"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = Chrome(options=options, service=Service(driver))
        self._messages: list[dict[str, Any]] = []

    def close(self) -> None:
        self.driver.quit()

    def forget(self) -> None:
        """As new: no cookies, no log."""
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self._read_log()
        self.driver.get_log("browser")
        self._messages.clear()

    # --- What a person does

    def open(self, path: str) -> None:
        self.driver.get(f"{self.url}{path}" if path.startswith("/") else path)

    def click(self, selector: str) -> None:
        def click() -> bool:
            element = self.driver.find_element(By.CSS_SELECTOR, selector)
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
            element.click()
            return True

        self.wait(click)

    def follow(self, text: str) -> None:
        """Click the link of that text."""

        def follow() -> bool:
            self.driver.find_element(By.LINK_TEXT, text).click()
            return True

        self.wait(follow)

    def fill(self, within: str = "body", /, **fields: str) -> None:
        for name, text in fields.items():
            field = self.find(f"{within} [name={name}]")
            field.clear()
            field.send_keys(text)

    def choose(self, selector: str, text: str) -> None:
        Select(self.find(selector)).select_by_visible_text(text)

    def pick(self, field: str, search: str, text: str) -> None:
        """In a field that searches as one types."""
        self.click(f"#id_{field} + .select2")
        self.find(".select2-container--open .select2-search__field").send_keys(search)
        self.wait(lambda: [option.text for option in self.all(".select2-results__option")] == [text])
        self.click(".select2-results__option")

    def come_as(self, person: Person, to: str = "about:blank") -> None:
        """Signed in, with the cookie that the sign-in page would have set."""
        cookie = {"name": "tandem_access", "value": person.access, "url": self.url, "httpOnly": True, "sameSite": "Lax"}
        self.driver.execute_cdp_cmd("Network.setCookie", cookie)
        self.open(to)

    def sign_in(self, username: str, password: str, *, to: str = "/") -> None:
        self.open(f"/login/?next={to}")
        self.fill(username=username, password=password)
        self.click("form button")
        self.wait(lambda: not self.path.startswith("/login/") or self.all(".error"))

    # --- What a person sees

    def wait(self, condition: Callable[[], Any]) -> Any:
        waiting = WebDriverWait(self.driver, 20, poll_frequency=0.05, ignored_exceptions=NOT_YET)
        return waiting.until(lambda _: condition(), f"{self.path}: {self.driver.title}")

    def find(self, selector: str) -> WebElement:
        def visible() -> WebElement | None:
            element = self.driver.find_element(By.CSS_SELECTOR, selector)
            return element if element.is_displayed() else None

        return self.wait(visible)

    def see(self, text: str, within: str = "body") -> None:
        self.wait(lambda: text in self.driver.find_element(By.CSS_SELECTOR, within).text)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    @property
    def path(self) -> str:
        return self.driver.current_url.removeprefix(self.url)

    # --- What happened behind it

    def strange_requests(self) -> list[str]:
        """Where it asked for something outside of this origin."""
        asked = (entry["request"]["url"] for entry in self._events("Network.requestWillBeSent"))
        return [url for url in asked if not url.startswith((f"{self.url}/", "data:", "blob:", "about:", "chrome:"))]

    def broken(self) -> list[str]:
        """Errors of scripts and policies, parts of pages that did not come, and failures of a service."""
        console = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        answers = [(entry["type"], entry["response"]) for entry in self._events("Network.responseReceived")]
        return [message for message in console if "the server responded with a status of" not in message] + [
            f"{answer['status']} {answer['url']}"
            for kind, answer in answers
            if answer["status"] >= 500 or (answer["status"] >= 400 and kind in PARTS)
        ]

    def _events(self, method: str) -> list[dict[str, Any]]:
        self._read_log()
        return [message["params"] for message in self._messages if message["method"] == method]

    def _read_log(self) -> None:
        self._messages += [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
