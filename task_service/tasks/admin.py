from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.core.validators import MaxLengthValidator
from django.db.models import QuerySet
from django.http import HttpRequest

from common.admin import ServiceAdmin, change_each
from task_service.tasks import services
from task_service.tasks.models import MAX_ASSIGNEES, Participant, Task
from task_service.user_mirror.models import User


class TaskForm(forms.ModelForm):  # type: ignore[type-arg]
    assignees = forms.ModelMultipleChoiceField(
        User.objects.known(),
        required=False,
        show_hidden_initial=True,
        validators=[MaxLengthValidator(MAX_ASSIGNEES, "At most %(limit_value)d people.")],
        widget=AutocompleteSelectMultiple(Participant._meta.get_field("user"), admin.site),
    )

    class Meta:
        model = Task
        fields = ["title", "description", "status", "priority", "start_at", "due_at", "parent"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields["assignees"].initial = self.instance.assignees


@admin.register(Task)
class TaskAdmin(ServiceAdmin):
    """Tasks. Saving, deleting and the actions go through tasks.services, so every change is an event."""

    form = TaskForm
    list_display = ["title", "status", "priority", "due_at", "created_by", "created_at", "deleted_at"]
    list_filter = ["status", "priority", "due_at", "created_at", ("deleted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["created_by"]
    search_fields = ["title"]
    autocomplete_fields = ["parent"]
    date_hierarchy = "created_at"
    ordering = ["-id"]
    show_full_result_count = False
    readonly_fields = ["id", "created_by", "completed_at", "created_at", "updated_at", "deleted_at", "version"]
    fieldsets = [
        (None, {"fields": ["title", "description", "status", "priority"]}),
        ("When", {"fields": ["start_at", "due_at"]}),
        ("Who and where", {"fields": ["assignees", "parent"]}),
        ("Record", {"fields": readonly_fields}),
    ]
    actions = ["complete", "reopen"]

    def get_fieldsets(self, request: HttpRequest, obj: Task | None = None) -> Any:
        """A task that is being added has no record yet."""
        return self.fieldsets if obj else self.fieldsets[:-1]

    def has_change_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and not (obj and obj.deleted_at)

    def has_delete_permission(self, request: HttpRequest, obj: Task | None = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and not (obj and obj.deleted_at)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Task], search_term: str) -> Any:
        """What is picked as a parent is not in the trash."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        return found.filter(deleted_at=None) if "field_name" in request.GET else found, may_repeat

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Nothing goes along into the trash."""
        return [str(task) for task in objs], {"tasks": len(objs)}, set(), []

    def save_model(self, request: HttpRequest, obj: Task, form: Any, change: bool) -> None:
        if change:
            services.update_task(task=obj, changes={name: form.cleaned_data[name] for name in form.changed_data})
        else:
            made = services.create_task(by=cast("User", request.user), **form.cleaned_data)
            obj.pk = made.pk

    def delete_model(self, request: HttpRequest, obj: Task) -> None:
        services.delete_task(task=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        for task in queryset.filter(deleted_at=None):
            services.delete_task(task=task)

    @admin.action(description="Complete the selected tasks", permissions=["change"])
    def complete(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        self.change(request, queryset, services.complete_task, "Completed.")

    @admin.action(description="Reopen the selected tasks", permissions=["change"])
    def reopen(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        self.change(request, queryset, services.reopen_task, "Reopened.")

    def change(self, request: HttpRequest, tasks: QuerySet[Task], service: Callable[..., Task], message: str) -> None:
        there = tasks.filter(deleted_at=None)
        change_each(self, request, there, lambda task: service(task=task).version != task.version, message)
