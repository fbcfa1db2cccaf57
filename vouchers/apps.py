from importlib import import_module

from django.apps import AppConfig


class VouchersConfig(AppConfig):
    name = "vouchers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("vouchers.registrations")  # needs the models, so it waits until now
