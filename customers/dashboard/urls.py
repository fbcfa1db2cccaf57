"""Addresses of customers in the dashboard. The list and the profile join more apps: `config.dashboard.urls`."""

from django.urls import path

from customers.dashboard.views import CustomerDelete, CustomerEdit, CustomerNew

urlpatterns = [
    path("customers/new/", CustomerNew.as_view(), name="customer-new"),
    path("customers/<str:public_id>/edit/", CustomerEdit.as_view(), name="customer-edit"),
    path("customers/<str:public_id>/delete/", CustomerDelete.as_view(), name="customer-delete"),
]
