from django.apps import AppConfig


class TaskMirrorConfig(AppConfig):
    name = "example_service.task_mirror"
    verbose_name = "Mirror of task_service"
