"""What a service holds about a person, table by table: a new one has to be given its place in the tests' lists."""

from django.apps import apps


def tables():
    """The labels of all models, also of those that Django makes to join two."""
    return {model._meta.label for model in apps.get_models(include_auto_created=True)}


def mentioning(*words):
    """{label: its rows as text} of the models in which one of the words stands, in any case of letters."""
    found = {
        model._meta.label: str(list(model._base_manager.values())).lower()
        for model in apps.get_models(include_auto_created=True)
    }
    return {label: rows for label, rows in found.items() if any(str(word).lower() in rows for word in words)}
