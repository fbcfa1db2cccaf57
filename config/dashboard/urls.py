"""Every address of the dashboard. The apps' own lists of paths are joined under one namespace."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from config.dashboard.home import Nothing, Overview
from config.dashboard.login import SignIn

app_name = "dashboard"

urlpatterns = [
    path("", Overview.as_view(), name="home"),
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("<path:rest>", Nothing.as_view(), name="nothing"),
]
