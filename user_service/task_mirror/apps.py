from django.apps import AppConfig


class TaskMirrorConfig(AppConfig):
    name = "user_service.task_mirror"
