from django.apps import AppConfig


class SecondFactorConfig(AppConfig):
    name = "user_service.second_factor"
    verbose_name = "Second factors"
