import struct
import xml.etree.ElementTree as ET

import pytest
from rest_framework.test import APIClient

from tests.factories import make_shop, make_voucher
from vouchers import pictures

pytestmark = pytest.mark.django_db


def test_a_voucher_says_where_its_pictures_are_and_anybody_with_the_address_sees_them() -> None:
    shop = make_shop()
    make_voucher(project=shop.project, code="TEN-10/%")
    assets = shop.server().get("/v1/vouchers/TEN-10%2F%25").json()["assets"]
    for kind in ("qr", "barcode"):
        assert assets[kind]["url"] == f"http://testserver/v1/assets/{kind}/{assets[kind]['id']}"
        for query, type in (("", "image/png"), ("?size=5&format=png", "image/png"), ("?format=svg", "image/svg+xml")):
            response = APIClient().get(assets[kind]["url"] + query)
            assert (response.status_code, response["Content-Type"]) == (200, type)
        assert APIClient().get(f"{assets[kind]['url']}?format=svg", HTTP_ACCEPT="text/html").status_code == 200


@pytest.mark.parametrize("query", ["size=0", "size=101", "size=x", "size=-1", "size=1.5", "size=９", "format=gif"])
def test_a_bad_query_is_refused(query: str) -> None:
    voucher = make_voucher()
    response = APIClient().get(f"/v1/assets/qr/{voucher.asset_id}?{query}")
    assert (response.status_code, response.json()["key"]) == (400, "invalid_query_params")


def test_unknown_assets_and_those_of_binned_vouchers_are_not_found() -> None:
    gone = make_voucher(deleted_at="2026-01-01T00:00:00Z")
    for asset_id in ("nope", "00000000-0000-4000-8000-000000000000", gone.asset_id):
        for kind in ("qr", "barcode"):
            response = APIClient().get(f"/v1/assets/{kind}/{asset_id}")
            assert (response.status_code, response.json()["key"]) == (404, "not_found")


def test_a_code_that_a_barcode_cannot_spell_is_drawn_by_the_vouchers_id() -> None:
    voucher = make_voucher(code="Ärmel-💎")
    drawn = APIClient().get(f"/v1/assets/barcode/{voucher.asset_id}").content
    assert drawn == pictures.barcode(voucher.public_id, size=2, svg=False)
    assert APIClient().get(f"/v1/assets/qr/{voucher.asset_id}").status_code == 200


def test_the_size_is_that_of_one_module() -> None:
    widths = [struct.unpack(">II", pictures.barcode("TEN", size=size, svg=False)[16:24]) for size in (1, 2, 100)]
    modules = widths[0][0]
    assert widths == [(modules, 25), (2 * modules, 50), (100 * modules, 500)]
    picture = ET.fromstring(pictures.barcode("TEN", size=3, svg=True))
    assert picture.attrib["width"] == str(3 * modules)
    assert struct.unpack(">I", pictures.qr("TEN", size=7, svg=False)[16:20])[0] % 7 == 0


def test_the_longest_codes_are_drawn_in_the_largest_size() -> None:
    for code in ("A" * 200, "z9" * 100, "É" * 200):
        assert len(pictures.qr(code, size=100, svg=False)) < 100_000
    assert len(pictures.barcode("aB" * 100, size=100, svg=False)) < 3_000_000
