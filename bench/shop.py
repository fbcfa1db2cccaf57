"""What the HTTP measurements ask about: a project with its keys, codes and customers, and the requests."""

from __future__ import annotations

import random
from dataclasses import dataclass

from django.db import connection

from bench import load
from config.kernel import ids, instants
from config.project import services
from vouchers.models import Voucher

CODES = 10_000
CUSTOMERS = 5_000
ORIGIN = "https://shop.example"
ITEMS = [
    {"source_id": "prod-1", "related_object": "product", "quantity": 2, "price": 1890, "product": {"name": "Coffee"}},
    {"source_id": "prod-2", "related_object": "product", "quantity": 1, "price": 940, "product": {"name": "Notebook"}},
]


@dataclass(frozen=True)
class Shop:
    """Keys and codes."""

    server: dict[str, str]
    client: dict[str, str]
    codes: list[str]


def make() -> Shop:
    """A fresh project with CODES percent codes without limit, and the yardstick's tables with the same codes."""
    made = services.create_project(name="Bench", at=instants.now(), origins=[ORIGIN], client_side=["all"])
    at = instants.now()
    codes = [f"BENCH-{number:06}" for number in range(CODES)]
    Voucher.objects.bulk_create(
        Voucher(
            project=made.project,
            public_id=ids.new("v_"),
            code=code,
            code_key=code,
            type=Voucher.Type.DISCOUNT,
            discount={"type": "PERCENT", "percent_off": 10.0},
            created_at=at,
        )
        for code in codes
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DROP TABLE IF EXISTS bench_uses, bench_codes;
            CREATE TABLE bench_codes (id bigserial PRIMARY KEY, code text NOT NULL UNIQUE, used int NOT NULL DEFAULT 0,
                most int);
            CREATE TABLE bench_uses (id bigserial PRIMARY KEY, code_id bigint NOT NULL REFERENCES bench_codes,
                body text, created_at timestamptz NOT NULL);
            CREATE INDEX ON bench_uses (code_id, created_at);
            INSERT INTO bench_codes (code) SELECT code FROM vouchers_voucher;
            """
        )
        cursor.execute("ANALYZE vouchers_voucher, bench_codes")  # not the empty ones: plans would count on that
    return Shop(
        {"X-App-Id": made.app_id, "X-App-Token": made.app_token},
        {"X-Client-Application-Id": made.client_app_id, "X-Client-Token": made.client_token, "Origin": ORIGIN},
        codes,
    )


def body(code: str, customer: int) -> dict[str, object]:
    """Of a stackable validation or redemption, order and customer included."""
    return {
        "redeemables": [{"object": "voucher", "id": code}],
        "customer": {"source_id": f"crm-{customer}", "name": f"Customer {customer}"},
        "order": {"items": ITEMS},
    }


def requests(shop: Shop, kind: str, count: int = 4000) -> list[bytes]:
    """Prepared requests of one kind, on random codes (`redeem same`: all on one) and customers."""
    dice = random.Random(7)
    chosen = [
        (shop.codes[0] if kind == "redeem same" else dice.choice(shop.codes), dice.randrange(CUSTOMERS))
        for _ in range(count)
    ]
    match kind:
        case "validate":
            return [load.request("POST", "/v1/validations", shop.server, body(*one)) for one in chosen]
        case "redeem" | "redeem same":
            return [load.request("POST", "/v1/redemptions", shop.server, body(*one)) for one in chosen]
        case "validate legacy":
            return [
                load.request("POST", f"/v1/vouchers/{code}/validate", shop.server, _without_redeemables(code, customer))
                for code, customer in chosen
            ]
        case "validate client":
            return [
                load.request(
                    "GET", f"/client/v1/validate?code={code}&amount=4720&tracking_id=crm-{customer}", shop.client
                )
                for code, customer in chosen
            ]
        case "event client":
            return [load.request("POST", "/client/v1/events", shop.client, _event(customer)) for _, customer in chosen]
        case "event":
            return [load.request("POST", "/v1/events", shop.server, _event(customer)) for _, customer in chosen]
        case "bare insert":
            return [load.request("POST", f"/insert/{code}", {}, _event(customer)) for code, customer in chosen]
        case "bare read":
            return [load.request("GET", f"/read/{code}", {}) for code, _ in chosen]
        case "bare write":
            return [load.request("POST", f"/write/{code}", {}, body(code, customer)) for code, customer in chosen]
    raise KeyError(kind)


def _without_redeemables(code: str, customer: int) -> dict[str, object]:
    return {key: value for key, value in body(code, customer).items() if key != "redeemables"}


def _event(customer: int) -> dict[str, object]:
    return {"event": "page_viewed", "customer": {"source_id": f"crm-{customer}"}, "metadata": {"page": "/cart"}}
