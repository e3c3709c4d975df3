"""What an operator is not shown, they can't find out by a filter that they write into the address."""

from django.contrib import admin
from django.urls import reverse

from common.admin import offered_fields


def answers(browser):
    """Return {lookup: status} for each field of each list, one that is filtered by and one that is not."""
    found = {}
    for model, model_admin in admin.site._registry.items():
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        offered = offered_fields(model_admin.list_filter)
        for field in model._meta.fields:
            if field.name not in offered:
                found[f"{url}?{field.name}__isnull=0"] = browser.get(f"{url}?{field.name}__isnull=0").status_code
    return found
