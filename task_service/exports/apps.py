from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "task_service.exports"
    verbose_name = "Exports"
