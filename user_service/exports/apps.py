from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "user_service.exports"
