"""Reading a page's form as a browser does: what it would send if nobody touched it."""

from collections import defaultdict
from html.parser import HTMLParser


class Form(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.fields = defaultdict(list)
        self.select = self.option = self.textarea = None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        name, value = given.get("name"), given.get("value")
        if tag == "input" and name and given.get("type") not in ("submit", "button", "file"):
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self.fields[name].append("on" if value is None and "checked" in given else value or "")
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in given:
            self.fields[self.select].append(value or "")
        elif tag == "textarea":
            self.textarea = name
            self.fields[name].append("")

    def handle_data(self, data):
        if self.textarea:
            self.fields[self.textarea][-1] += data

    def handle_endtag(self, tag):
        if tag == "select":
            self.select = None
        elif tag == "textarea":
            self.fields[self.textarea][-1] = self.fields[self.textarea][-1].removeprefix("\n").replace("\n", "\r\n")
            self.textarea = None


def shown(browser, url):
    """The fields of the form at the URL; {name: value, or a list of several}."""
    fields = Form(browser.get(url).content.decode()).fields
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def fill(browser, page, url, **fields):
    """Send the form of the page, as it is but for the fields."""
    form = {name: values[0] for name, values in Form(page.content.decode()).fields.items()}
    return browser.post(url, form | fields)
