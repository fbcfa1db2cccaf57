"""Addresses of orders, products and events in the dashboard."""

from django.urls import path

from tracking.dashboard import views

urlpatterns = [
    path("orders/", views.OrderList.as_view(), name="orders"),
    path("orders/<str:public_id>/", views.OrderPage.as_view(), name="order"),
    path("products/", views.ProductList.as_view(), name="products"),
    path("products/<str:public_id>/", views.ProductPage.as_view(), name="product"),
    path("events/", views.EventList.as_view(), name="events"),
]
