"""The wire's official Python client, in front of a real server of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import voucherify
from pytest_django.live_server_helper import LiveServer

from config.project import keys
from tests.factories import Shop, make_shop
from tests.jobs import run_queued


@pytest.fixture
def shop(transactional_db: None, data_folder: Any) -> Shop:
    keys.cache.clear()
    return make_shop(client_side=("all",))


@pytest.fixture
def official(live_server: LiveServer, shop: Shop) -> Callable[[str], Any]:
    """official("VouchersApi") → that part of the client, with the keys it needs."""
    secrets = shop.secrets
    configuration = voucherify.Configuration(
        host=live_server.url,
        api_key={
            "X-App-Id": secrets["app_id"],
            "X-App-Token": secrets["app_token"],
            "X-Client-Application-Id": secrets["client_app_id"],
            "X-Client-Token": secrets["client_token"],
            "X-Management-Id": secrets["management_id"],
            "X-Management-Token": secrets["management_token"],
        },
    )
    client = voucherify.ApiClient(configuration)
    return lambda name: getattr(voucherify, name)(client)


@pytest.fixture
def work() -> Callable[[], int]:
    """Run what the calls queued."""
    return run_queued
