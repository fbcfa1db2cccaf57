"""The password asked again, where a stolen session must not be enough."""

from __future__ import annotations

import time
from typing import Any, Final

from django import forms

from config.api import limits
from config.project.models import User

TRIES: Final = (10, 900)
"""Wrong passwords, seconds."""


class PasswordAgain(forms.Form):
    """A form that only the person, not the session alone, can send. asks: False leaves the question out."""

    password = forms.CharField(
        label="Your password", strip=False, help_text="Asked again, because a signed-in browser alone is not enough.",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )  # fmt: skip

    def __init__(self, *args: Any, user: User, asks: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        if asks:
            self.order_fields([*(name for name in self.fields if name != "password"), "password"])
        else:
            del self.fields["password"]

    def clean_password(self) -> str:
        """Refuses a wrong password, and any after too many wrong ones."""
        typed = str(self.cleaned_data["password"])
        bucket = limits.bucket_of("password again", self.user.pk)
        if not limits.hit(bucket, TRIES, time.time()).allowed:
            raise forms.ValidationError("Too many tries. Wait a quarter of an hour.")
        if not self.user.check_password(typed):
            raise forms.ValidationError("This is not your password.")
        return typed
