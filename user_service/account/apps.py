from django.apps import AppConfig


class AccountConfig(AppConfig):
    name = "user_service.account"
