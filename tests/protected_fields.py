"""Mass assignment: what a service alone may set is refused wherever a body is taken.

The doors come from the URL configuration, so that a new one is tried by itself.
"""

from collections.abc import Iterator

from django.contrib.auth.models import AnonymousUser
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.serializers import BaseSerializer, ListSerializer
from rest_framework.test import APIRequestFactory

PROTECTED = [
    *("id", "pk", "version", "created_at", "updated_at", "deleted_at", "completed_at", "created_by", "search"),
    *("user", "user_id", "is_staff", "is_superuser", "is_active", "user_permissions", "groups", "last_login"),
    *("sid", "second_factor", "secret", "digest", "revoked_at", "last_used_at", "current", "lately"),
]
WRITES = ("post", "put", "patch", "delete")
NO_SERIALIZER = {"internal/events/"}  # CloudEvents, from the other services only


def doors(patterns=None, prefix="") -> Iterator[tuple[str, str, object]]:
    """Yield path, method and view for all that writes by the API."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from doors(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and (view_class := getattr(pattern.callback, "cls", None)):
            actions = getattr(pattern.callback, "actions", None)
            methods = actions if actions else {method: method for method in WRITES if hasattr(view_class, method)}
            for method in methods:
                if method in WRITES and path not in NO_SERIALIZER and (actions or {}).get(method) != "destroy":
                    yield path, method, view_of(pattern.callback, method)


def view_of(callback, method):
    """The view as it is while it answers: get_serializer() decides by request and action."""
    view = callback.cls(**callback.initkwargs)
    view.action_map = getattr(callback, "actions", None)
    view.setup(APIRequestFactory().generic(method.upper(), "/"))
    view.request = view.initialize_request(view.request)
    view.request.user = AnonymousUser()
    view.action = (view.action_map or {}).get(method)
    view.format_kwarg = None
    return view


def writable(serializer: BaseSerializer) -> set[str]:
    """The names that a body may have, at any depth."""
    if isinstance(serializer, ListSerializer):
        return writable(serializer.child)
    fields = {name: field for name, field in serializer.fields.items() if not field.read_only}
    nested = (writable(field) for field in fields.values() if isinstance(field, BaseSerializer))
    return set(fields).union(*nested)


def serializers(service: str, base: type = BaseSerializer) -> Iterator[type[BaseSerializer]]:
    """Yield every class that the service has, also what a view uses past get_serializer()."""
    for found in base.__subclasses__():
        yield from serializers(service, found)
        if found.__module__.startswith(f"{service}."):
            yield found


def accepted(view) -> dict[str, object]:
    """The protected names that the view's serializer takes, or keeps silent about, if they are sent alone."""
    serializer = view.get_serializer(data=dict.fromkeys(PROTECTED, "1"))
    serializer.is_valid()
    codes = {name: errors[0].code for name, errors in serializer.errors.items()}
    refused = {name for name in PROTECTED if codes.get(name) in ("unknown", "read_only")}
    return set(PROTECTED) - refused | writable(view.get_serializer()) & set(PROTECTED)
