from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from task_service.tasks import services
from task_service.tasks.models import Task
from task_service.user_mirror.models import User


class TaskForm(forms.ModelForm):  # type: ignore[type-arg]
    assignees = forms.ModelMultipleChoiceField(
        User.objects.all(), required=False, widget=FilteredSelectMultiple("assignees", is_stacked=False)
    )

    class Meta:
        model = Task
        fields = ["title", "description", "status", "priority", "start_at", "due_at", "parent"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields["assignees"].initial = self.instance.assignees


@admin.register(Task)
class TaskAdmin(ModelAdmin):  # type: ignore[misc]
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

    @admin.action(description="Complete the selected tasks")
    def complete(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        for task in queryset.filter(deleted_at=None):
            services.complete_task(task=task)

    @admin.action(description="Reopen the selected tasks")
    def reopen(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        for task in queryset.filter(deleted_at=None):
            services.reopen_task(task=task)
