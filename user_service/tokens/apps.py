from django.apps import AppConfig


class TokensConfig(AppConfig):
    name = "user_service.tokens"
    verbose_name = "Sign-ins"

    def ready(self) -> None:
        from user_service.tokens import checks  # noqa: F401 - registers them
