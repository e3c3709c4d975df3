from django.apps import AppConfig


class LockoutConfig(AppConfig):
    name = "user_service.lockout"
    verbose_name = "Lock-out"
