from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from task_service.tasks.models import OPEN, Task, TaskQuerySet


class ChoicesFilter(django_filters.BaseInFilter, django_filters.ChoiceFilter):
    """One of the choices, or several with commas between."""


class PersonField(django_filters.fields.forms.UUIDField):
    def to_python(self, value: Any) -> Any:
        return value if value == "me" else super().to_python(value)


class PersonFilter(django_filters.Filter):
    """A person's id, or `me`."""

    field_class = PersonField


class FlagFilter(django_filters.BooleanFilter):
    """true or false; django-filter's own ignores anything else."""

    field_class = forms.TypedChoiceField

    def __init__(self, **kwargs: Any) -> None:
        choices = [("", "Any"), ("true", "Yes"), ("false", "No")]
        super().__init__(choices=choices, coerce=lambda text: text == "true", empty_value=None, **kwargs)


class TaskFilter(django_filters.FilterSet):
    status = ChoicesFilter(choices=Task.Status.choices, label="Status")
    priority = ChoicesFilter(choices=Task.Priority.choices, label="Priority")
    assignee = PersonFilter(method="assigned", label="Assignee (an id, or me)")
    created_by = PersonFilter(method="created", label="Created by (an id, or me)")
    parent = django_filters.UUIDFilter(field_name="parent_id", label="Parent (an id)")
    due_before = django_filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="lt", label="Due before")
    due_after = django_filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="gt", label="Due after")
    updated_after = django_filters.IsoDateTimeFilter(field_name="updated_at", lookup_expr="gt", label="Updated after")
    overdue = FlagFilter(method="is_overdue", label="Overdue")
    trashed = FlagFilter(method="is_trashed", label="In the trash")
    search = django_filters.CharFilter(method="matches", max_length=500, label="Search")

    class Meta:
        model = Task
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Task]) -> QuerySet[Task]:
        found: QuerySet[Task] = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("trashed") is not None else found.filter(deleted_at=None)

    def person(self, value: UUID | str) -> Any:
        return self.request.user.pk if value == "me" else value

    def assigned(self, queryset: TaskQuerySet, name: str, value: UUID | str) -> TaskQuerySet:
        return queryset.assigned_to(self.person(value))

    def created(self, queryset: TaskQuerySet, name: str, value: UUID | str) -> TaskQuerySet:
        return queryset.filter(created_by=self.person(value))

    def is_overdue(self, queryset: TaskQuerySet, name: str, value: bool) -> TaskQuerySet:
        if value:
            return queryset.overdue()
        return queryset.filter(~Q(status__in=OPEN) | Q(due_at=None) | Q(due_at__gte=Now()))

    def is_trashed(self, queryset: TaskQuerySet, name: str, value: bool) -> TaskQuerySet:
        return queryset.trashed() if value else queryset.in_place()

    def matches(self, queryset: TaskQuerySet, name: str, value: str) -> TaskQuerySet:
        return queryset.matching(value)
