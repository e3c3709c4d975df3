from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "user_service.users"
    verbose_name = "People"
