from django.apps import AppConfig


class UserMirrorConfig(AppConfig):
    name = "task_service.user_mirror"
    verbose_name = "Mirror of user_service"
