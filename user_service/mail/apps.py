from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "user_service.mail"
    verbose_name = "Mail"
