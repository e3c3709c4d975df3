from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "task_service.tasks"
