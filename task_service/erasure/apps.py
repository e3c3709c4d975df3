from django.apps import AppConfig


class ErasureConfig(AppConfig):
    name = "task_service.erasure"
    verbose_name = "Erasure"
