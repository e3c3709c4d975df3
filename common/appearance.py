"""How Tandem looks and what it links to where Django draws the page: the admins and the browsable APIs."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy

NAVIGATION = [
    {"title": "Tasks", "link": "/api/v1/tasks/", "icon": "task_alt"},
    {"title": "People", "link": "/api/v1/users/", "icon": "group"},
    {"title": "You", "link": "/api/v1/users/me/", "icon": "person"},
    {"title": "API tokens", "link": "/api/v1/auth/api-tokens/", "icon": "key"},
    {"title": "Docs", "link": "/api/docs/", "icon": "menu_book"},
    {"title": "Admin of tasks", "link": "/admin/tasks/", "icon": "edit_note"},
    {"title": "Admin of people", "link": "/admin/users/", "icon": "manage_accounts"},
]

BLUE = {
    "50": "oklch(97% .014 264)",
    "100": "oklch(93.2% .032 264)",
    "200": "oklch(88.2% .059 264)",
    "300": "oklch(80.9% .105 264)",
    "400": "oklch(70.7% .15 264)",
    "500": "oklch(62% .185 264)",
    "600": "oklch(52% .196 264)",
    "700": "oklch(46% .18 264)",
    "800": "oklch(40% .155 264)",
    "900": "oklch(35% .12 264)",
    "950": "oklch(27% .085 264)",
}
UNFOLD: dict[str, Any] = {
    "SITE_HEADER": "Tandem",
    "SITE_ICON": "/favicon.svg",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "/favicon.svg"}],
    "SITE_DROPDOWN": NAVIGATION,
    "ACCOUNT": {"navigation": [{"title": "Account", "link": "/login/account/"}]},  # in the menu of the user's name
    "COLORS": {"primary": BLUE},
    "TABS": [
        {
            "models": ["common.outboxevent", "common.failedevent", "common.inboxevent"],
            "items": [
                {"title": "Outgoing events", "link": reverse_lazy("admin:common_outboxevent_changelist")},
                {"title": "Incoming failures", "link": reverse_lazy("admin:common_failedevent_changelist")},
                {"title": "Incoming events", "link": reverse_lazy("admin:common_inboxevent_changelist")},
            ],
        }
    ],
    "STYLES": [lambda request: static("common/admin.css")],
}
