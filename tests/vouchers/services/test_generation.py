"""Codes in the background: as many as asked for, none twice, whatever stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from config.jobs import runner
from config.jobs.errors import LeaseLost
from config.jobs.models import AsyncAction
from config.kernel.errors import LimitExceeded
from tests.factories import NOW, make_project, make_voucher
from tests.jobs import finished, run_queued
from vouchers.engine import codes
from vouchers.engine.codes import CodeConfig
from vouchers.models import Campaign, Voucher, VoucherTransaction
from vouchers.services import campaigns, generation, minting

pytestmark = pytest.mark.django_db


def make(count: int, *, gift: bool = False, project: Any = None, **config: Any) -> tuple[Campaign, AsyncAction]:
    term: dict[str, Any] = {"gift": {"amount": 100}} if gift else {"discount": {"type": "AMOUNT", "amount_off": 5}}
    campaign = campaigns.create(
        project=project or make_project(),
        data={"name": "C", "vouchers_count": count, "voucher": {**term, "code_config": config or None}},
        at=NOW,
    )
    return campaign, AsyncAction.objects.get()


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(generation, "BATCH", 7)
    yield


def test_every_code_of_a_pattern_is_dealt_once(small_batches: None) -> None:
    campaign, action = make(100, pattern="##", charset="0123456789")
    assert finished(action).status == "DONE"
    found = set(Voucher.objects.values_list("code", flat=True))
    assert found == {f"{number:02d}" for number in range(100)}
    campaign.refresh_from_db()
    assert campaign.vouchers_count == 100


def test_codes_that_are_taken_are_passed_over(small_batches: None) -> None:
    for number in range(5):
        make_voucher(project=make_project(), code=f"{number}")
    campaign, action = make(5, pattern="#", charset="0123456789", gift=True)
    finished(action)
    assert set(Voucher.objects.filter(campaign=campaign).values_list("code", flat=True)) == set("56789")
    assert VoucherTransaction.objects.count() == 5


def test_a_batch_that_meets_a_taken_code_goes_round(small_batches: None, monkeypatch: pytest.MonkeyPatch) -> None:
    make_voucher(project=make_project(), code="SAME0000")
    drawn = iter([[f"NEW-{n}" for n in range(3)] + ["SAME0000"], ["NEW-0", "LAST"], ["NEVER"]])
    monkeypatch.setattr(minting.Deck, "draw", lambda self, count: next(drawn) if count else [])
    campaign, action = make(4, length=8)
    finished(action)
    assert set(Voucher.objects.filter(campaign=campaign).values_list("code", flat=True)) == {
        *("NEW-0", "NEW-1", "NEW-2", "LAST")
    }


def test_a_pattern_that_others_use_up_ends_the_job_with_a_sentence(small_batches: None) -> None:
    campaign, action = make(10, pattern="#", charset="0123456789")
    make_voucher(project=make_project(), code="3")
    finished(action)
    assert (action.status, action.failure) == ("FAILED", "Pattern '#' has no free codes left; allow more characters")
    campaign.refresh_from_db()
    assert (campaign.vouchers_count, campaign.vouchers_generation_status, campaign.creation_status) == (
        *(9, "FAILED", "FAILED"),
    )
    generation.require_idle(campaign)


def test_codes_differ_in_more_than_case_where_a_project_ignores_it(small_batches: None) -> None:
    project = make_project(case_sensitive_codes=False)
    campaign, action = make(26, project=project, pattern="X#", charset="aAbBcdefghijklmnopqrstuvwxyz")
    finished(action)
    rows = Voucher.objects.filter(campaign=campaign)
    assert len({row.code.lower() for row in rows}) == 26
    assert all(row.code_key == row.code.lower() for row in rows)


def test_a_killed_job_goes_on_behind_its_last_batch(small_batches: None, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign, action = make(30)
    before, calls = minting.load, iter(range(100))

    def die(**kwargs: Any) -> Any:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return before(**kwargs)

    monkeypatch.setattr(minting, "load", die)
    with pytest.raises(KeyboardInterrupt):
        run_queued()
    monkeypatch.setattr(minting, "load", before)
    action.refresh_from_db()
    campaign.refresh_from_db()
    assert (action.rows_done, campaign.vouchers_count, Voucher.objects.count()) == (14, 14, 14)
    runner.run(runner._functions["vouchers.generate_codes"], action_id=action.pk)
    action.refresh_from_db()
    campaign.refresh_from_db()
    assert (action.status, action.result) == ("DONE", {"message": "Generated 30 vouchers.", "done_count": 30})
    assert (campaign.vouchers_count, campaign.vouchers_generation_status) == (30, "DONE")
    assert Voucher.objects.values("code_key").distinct().count() == 30


def test_a_worker_that_lost_the_job_writes_nothing_more(small_batches: None) -> None:
    _, action = make(30)
    with transaction.atomic():
        first = runner._claim(action.pk, NOW)
        assert first is not None
        runner._claim(action.pk, NOW)
    with pytest.raises(LeaseLost):
        generation.generate(runner.Run(first), clock=lambda: NOW)
    assert not Voucher.objects.exists()
    assert Campaign.objects.get().vouchers_count == 0


def test_a_campaign_whose_job_gave_up_can_be_changed_again() -> None:
    campaign, action = make(3)
    AsyncAction.objects.filter(pk=action.pk).update(status="FAILED")
    generation.require_idle(campaign)
    campaign.refresh_from_db()
    assert campaign.vouchers_generation_status == "FAILED"


def test_a_vendors_cap_holds_where_it_is_switched_on() -> None:
    with pytest.raises(LimitExceeded):
        make(11, project=make_project(vendor_caps={"codes_per_campaign": 10}))


def test_backslashes_and_other_alphabets_survive_the_copy(small_batches: None) -> None:
    campaign, action = make(20, prefix="a\\b", pattern="ö###", charset="äßç日")
    finished(action)
    found = list(Voucher.objects.filter(campaign=campaign).values_list("code", flat=True))
    assert len(set(found)) == 20
    assert all(code.startswith("a\\bö") and len(code) == 7 for code in found)


@pytest.mark.parametrize(
    "config",
    [
        CodeConfig(),
        CodeConfig("A##-##B#", prefix="p", postfix="z"),
        CodeConfig("#", charset="x"),
        CodeConfig("##", charset="日本語"),
    ],
)
def test_many_codes_look_like_one(config: CodeConfig) -> None:
    one = codes.generate(config)
    blanks = [index for index, mark in enumerate(config.pattern) if mark == "#"]
    for code in codes.generate_many(config, 50):
        body = code.removeprefix(config.prefix).removesuffix(config.postfix)
        assert len(code) == len(one)
        assert all(body[index] in config.charset for index in blanks)
        assert all(body[i] == mark for i, mark in enumerate(config.pattern) if mark != "#")


def test_numbers_of_codes_mean_different_codes() -> None:
    config = CodeConfig("#-#", charset="aAb")
    assert {codes.numbered(config, number) for number in range(9)} == {f"{x}-{y}" for x in "aAb" for y in "aAb"}
    loose = {codes.numbered(config, number, case_sensitive=False).lower() for number in range(4)}
    assert len(loose) == 4
