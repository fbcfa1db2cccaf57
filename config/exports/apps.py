from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "config.exports"
    label = "exports"
