"""Addresses of customers in the dashboard. The list and the profile join more apps: `config.dashboard.urls`."""

from django.urls import path

from customers.dashboard.erasing import CustomerErase
from customers.dashboard.metadata import MetadataEdit
from customers.dashboard.views import CustomerDelete, CustomerEdit, CustomerNew

urlpatterns = [
    path("customers/new/", CustomerNew.as_view(), name="customer-new"),
    path("customers/<str:public_id>/edit/", CustomerEdit.as_view(), name="customer-edit"),
    path("customers/<str:public_id>/delete/", CustomerDelete.as_view(), name="customer-delete"),
    path("customers/<str:public_id>/erase/", CustomerErase.as_view(), name="customer-erase"),
    path("customers/<str:public_id>/metadata/edit/", MetadataEdit.as_view(), name="customer-metadata-edit"),
]
