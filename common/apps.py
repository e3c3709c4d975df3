from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class CommonConfig(AppConfig):
    name = "common"
    verbose_name = "Events and API tokens"


class AdminConfig(DjangoAdminConfig):
    default_site = "common.sites.AdminSite"
