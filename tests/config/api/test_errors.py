from __future__ import annotations

import pytest
from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
)
from rest_framework import exceptions

from config.api import errors
from config.kernel.errors import DuplicateFound, Forbidden, InvalidPayload, LimitExceeded, NotFound, Refused
from config.project.models import AuditEntry
from tests.factories import make_shop, make_voucher
from vouchers.api import vouchers as voucher_views
from vouchers.models import Voucher


class Cause(Exception):
    def __init__(self, sqlstate):
        self.sqlstate = sqlstate


def database_error(kind, sqlstate):
    error = kind("boom")
    error.__cause__ = Cause(sqlstate)
    return error


@pytest.mark.parametrize(
    ("kind", "sqlstate", "status"),
    [
        (OperationalError, None, 503),
        (InterfaceError, None, 503),
        (OperationalError, "57014", 503),
        (OperationalError, "57P01", 503),
        (OperationalError, "08006", 503),
        (OperationalError, "53300", 503),
        (OperationalError, "40P01", 503),
        (OperationalError, "55P03", 503),
        (InternalError, "25P03", 503),
        (InternalError, "25P04", 503),
        (DataError, "22003", 400),
        (DataError, None, 400),
        (IntegrityError, "23503", 409),
        (IntegrityError, "23505", 409),
        (IntegrityError, "23502", None),
        (ProgrammingError, "42601", None),
        (InternalError, "XX000", None),
    ],
)
def test_database_errors_become_answers_by_sqlstate(kind, sqlstate, status):
    response = errors.handle(database_error(kind, sqlstate), {})
    assert (response.status_code if response else None) == status
    if status == 503:
        assert response["Retry-After"] == "2"
        assert response.data["key"] == "service_unavailable"


def test_a_lone_surrogate_is_the_callers_fault():
    with pytest.raises(UnicodeEncodeError) as caught:
        "\ud800".encode()
    assert errors.handle(caught.value, {}).status_code == 400


@pytest.mark.parametrize(
    ("error", "status", "key"),
    [
        (InvalidPayload("Property .x should be string"), 400, "invalid_payload"),
        (LimitExceeded(), 400, "limit_exceeded"),
        (Forbidden("Origin x is not allowed"), 403, "forbidden"),
        (NotFound.of("customer", "crm-404"), 404, "not_found"),
        (DuplicateFound.of("voucher", "A"), 409, "duplicate_found"),
        (Refused("no"), 400, ""),
    ],
)
def test_domain_errors_become_the_envelope(error, status, key):
    response = errors.handle(error, {})
    assert response.status_code == response.data["code"] == status
    assert response.data.get("key", "") == key


def test_not_found_names_what_was_asked_for():
    body = errors.handle(NotFound.of("customer", "crm-404"), {}).data
    assert body | {"request_id": ""} == {
        "code": 404,
        "key": "not_found",
        "message": "Resource not found",
        "details": "Cannot find customer with id crm-404",
        "request_id": "",
        "resource_id": "crm-404",
        "resource_type": "customer",
    }


REQUIRED = [exceptions.ErrorDetail("This field is required.", "required")]


@pytest.mark.parametrize(
    ("detail", "sentence"),
    [
        ({"source_id": REQUIRED}, "Payload should have required property 'source_id'"),
        ({"a": {"b": REQUIRED}}, "Property .a should have required property 'b'"),
        ({"items": [{}, {"price": ["Not a number."]}]}, "Property .items[1].price is invalid: not a number"),
    ],
)
def test_serializer_errors_name_the_property(detail, sentence):
    assert errors.describe(detail) == sentence


@pytest.mark.django_db
def test_a_row_that_goes_away_before_the_commit_is_a_conflict_in_the_envelope(monkeypatch):
    """The customer is deleted by somebody else after the voucher's holder was looked up."""
    shop = make_shop()
    voucher = make_voucher(code="TEN", project=shop.project)
    former = voucher_views.vouchers.update

    def update(**given):
        Voucher.objects.filter(pk=voucher.pk).update(holder_id=0)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return former(**given)

    monkeypatch.setattr(voucher_views.vouchers, "update", update)
    answer = shop.server().put("/v1/vouchers/TEN", {"additional_info": "x"})
    assert (answer.status_code, answer.json()["key"]) == (409, "conflict")
    assert Voucher.objects.get().additional_info is None
    assert not AuditEntry.objects.exists()
