from django.apps import AppConfig


class ErasureConfig(AppConfig):
    name = "user_service.erasure"
    verbose_name = "Erasure"
