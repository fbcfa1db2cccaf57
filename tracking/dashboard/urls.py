"""Addresses of orders, products and events in the dashboard."""

from django.urls import path

from tracking.dashboard import event_schemas, views

urlpatterns = [
    path("orders/", views.OrderList.as_view(), name="orders"),
    path("orders/<str:public_id>/", views.OrderPage.as_view(), name="order"),
    path("products/", views.ProductList.as_view(), name="products"),
    path("products/<str:public_id>/", views.ProductPage.as_view(), name="product"),
    path("events/", views.EventList.as_view(), name="events"),
    path("settings/events/", event_schemas.EventSchemaList.as_view(), name="event-schemas"),
    path("settings/events/new/", event_schemas.EventSchemaNew.as_view(), name="event-schema-new"),
    path("settings/events/<str:public_id>/", event_schemas.EventSchemaPage.as_view(), name="event-schema"),
]
