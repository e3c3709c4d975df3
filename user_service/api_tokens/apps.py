from django.apps import AppConfig


class ApiTokensConfig(AppConfig):
    name = "user_service.api_tokens"
    verbose_name = "API tokens"
