"""The official client drives a live server: every answer has to fit its own models."""

from __future__ import annotations

import pytest
from voucherify.exceptions import ApiException

from config.project.models import Project
from customers.models import Customer
from tests.factories import ORIGIN
from vouchers.models import Voucher

pytestmark = pytest.mark.alone


def test_customers(official, work):
    api = official("CustomersApi")
    made = api.create_customer(
        {"source_id": "crm/1@x", "name": "Nora", "email": "n@shop.example", "address": {"city": "Berlin"},
         "metadata": {"tier": "gold", "visits": 3}}
    )  # fmt: skip
    assert made.id.startswith("cust_")
    assert api.get_customer("crm/1@x").name == "Nora"
    changed = api.update_customer(made.id, {"name": "Nora Lind", "metadata": {"tier": "platinum"}})
    assert (changed.name, changed.metadata) == ("Nora Lind", {"tier": "platinum", "visits": 3})
    assert [row.id for row in api.list_customers(limit=10, city="Berlin").customers] == [made.id]
    action = api.update_customers_in_bulk([{"source_id": "crm-2", "name": "Ida"}])
    again = api.update_customers_metadata_in_bulk({"source_ids": ["crm-2"], "metadata": {"tier": "new"}})
    work()
    done = official("AsyncActionsApi").get_async_action(action.async_action_id)
    assert done.status == "DONE"
    assert again.async_action_id.startswith("aa_")
    assert Customer.objects.get(source_id="crm-2").metadata == {"tier": "new"}
    assert api.list_customer_activity(made.id, limit=5).object == "list"
    assert api.list_customer_segments(made.id).total == 0
    assert api.list_customer_redeemables(made.id).object == "list"
    assert api.customer_permanently_deletion("crm-2").status == "DONE"
    api.delete_customer(made.id)
    with pytest.raises(ApiException) as missing:
        api.get_customer("crm-404")
    assert missing.value.status == 404


def test_segments(official):
    customer = official("CustomersApi").create_customer({"source_id": "crm-1", "address": {"city": "Berlin"}})
    api = official("SegmentsApi")
    fixed = api.create_segment({"type": "static", "name": "Some", "customers": [customer.id]})
    live = api.create_segment(
        {"type": "auto-update", "name": "Berlin",
         "filter": {"junction": "and", "address.city": {"conditions": {"$is": ["Berlin"]}}}}
    )  # fmt: skip
    assert api.get_segment(live.id).name == "Berlin"
    listed = official("CustomersApi").list_customers(segment_id=live.id)
    assert [row.source_id for row in listed.customers] == ["crm-1"]
    names = {row.name for row in official("CustomersApi").list_customer_segments(customer.id).data}
    assert names == {"Some", "Berlin"}
    api.delete_segment(fixed.id)


def test_vouchers_from_creation_to_rollback(official, work):
    vouchers, redemptions = official("VouchersApi"), official("RedemptionsApi")
    made = vouchers.create_voucher(
        "SPRING", {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10},
                   "redemption": {"quantity": 1}, "metadata": {"season": "spring"}}
    )  # fmt: skip
    assert (made.code, made.discount.percent_off) == ("SPRING", 10)
    random = vouchers.generate_random_code(
        {"type": "GIFT_VOUCHER", "gift": {"amount": 5000}, "code_config": {"pattern": "GIFT-####"}}
    )
    assert random.code.startswith("GIFT-")
    assert vouchers.get_voucher("SPRING").id == made.id
    assert vouchers.update_voucher("SPRING", {"metadata": {"season": "late"}}).metadata == {"season": "late"}
    assert vouchers.list_vouchers(limit=10).total == 2
    vouchers.disable_voucher("SPRING")
    vouchers.enable_voucher("SPRING")
    balance = vouchers.update_voucher_balance(random.code, {"amount": 1000})
    assert balance.balance == 6000
    assert len(vouchers.list_voucher_transactions(random.code).data) >= 1

    body = {
        "redeemables": [{"object": "voucher", "id": "SPRING"}],
        "customer": {"source_id": "crm-1"},
        "order": {"amount": 20000, "items": [{"product_id": "prod_x", "quantity": 1, "price": 20000}]},
    }
    validation = official("ValidationsApi").validate_stacked_discounts(body)
    assert validation.valid is True
    assert validation.order.total_discount_amount == 2000
    redeemed = redemptions.redeem_stacked_discounts(body)
    assert redeemed.redemptions[0].result == "SUCCESS"
    first = redeemed.redemptions[0].id
    with pytest.raises(ApiException) as refused:
        redemptions.redeem_stacked_discounts(body)
    assert refused.value.status == 400
    assert "quantity_exceeded" in refused.value.body
    assert redemptions.get_redemption(first).id == first
    assert redemptions.list_redemptions(limit=10).total == 2
    assert vouchers.get_voucher("SPRING").redemption.redeemed_quantity == 1
    assert redemptions.get_voucher_redemptions("SPRING").total == 2
    rolled = redemptions.rollback_redemption(first, reason="returned")
    assert (rolled.result, rolled.redemption) == ("SUCCESS", first)
    assert vouchers.get_voucher("SPRING").redemption.redeemed_quantity == 0

    action = vouchers.import_vouchers(
        [{"code": "IMP-1", "type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 100}}]
    )
    work()
    assert official("AsyncActionsApi").get_async_action(action.async_action_id).status == "DONE"
    bulk = vouchers.update_vouchers_metadata_in_bulk({"codes": ["IMP-1"], "metadata": {"a": 1}})
    work()
    assert bulk.async_action_id.startswith("aa_")
    assert Voucher.objects.get(code="IMP-1").metadata == {"a": 1}
    vouchers.delete_voucher("IMP-1")


def test_stacked_redemptions_are_rolled_back_together(official):
    vouchers, redemptions = official("VouchersApi"), official("RedemptionsApi")
    for code, amount in (("A", 1000), ("B", 500)):
        vouchers.create_voucher(
            code, {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": amount}}
        )
    redeemed = redemptions.redeem_stacked_discounts(
        {"redeemables": [{"object": "voucher", "id": "A"}, {"object": "voucher", "id": "B"}], "order": {"amount": 9000}}
    )
    assert redeemed.order.total_discount_amount == 1500
    rolled = redemptions.rollback_stacked_redemptions(redeemed.parent_redemption.id, reason="mistake")
    assert len(rolled.rollbacks) == 2


def test_events_orders_products_and_collections(official, work):
    event = official("EventsApi").track_custom_event(
        {"event": "wishlist_saved", "customer": {"source_id": "crm-1"}, "metadata": {"items": 3}}
    )
    assert (event.object, event.type) == ("event", "wishlist_saved")
    products = official("ProductsApi")
    product = products.create_product({"source_id": "mug", "name": "Mug", "price": 1200, "attributes": ["color"]})
    sku = products.create_sku(product.id, {"source_id": "mug-red", "sku": "Red", "attributes": {"color": "red"}})
    assert products.update_product("mug", {"price": 1300}).price == 1300
    assert [row.id for row in products.list_skus_in_product(product.id).skus] == [sku.id]
    assert products.get_sku(sku.id).product_id == product.id
    collections = official("ProductCollectionsApi")
    collection = collections.create_product_collection(
        {"type": "STATIC", "name": "Kitchen", "products": [{"id": product.id, "object": "product"}]}
    )
    assert collections.list_products_in_collection(collection.id).total == 1
    orders = official("OrdersApi")
    order = orders.create_order(
        {"source_id": "o-1", "status": "PAID", "customer": {"source_id": "crm-1"},
         "items": [{"source_id": "mug-red", "related_object": "sku", "quantity": 2}]}
    )  # fmt: skip
    assert order.amount == 2600
    assert orders.update_order(order.id, {"status": "CANCELED"}).status == "CANCELED"
    assert orders.list_orders(limit=10).total == 1
    imported = orders.import_orders([{"source_id": "o-2", "amount": 100, "status": "PAID"}])
    work()
    assert official("AsyncActionsApi").get_async_action(imported.async_action_id).status == "DONE"


def test_rules_and_categories(official):
    official("VouchersApi").create_voucher(
        "RULED", {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 100}}
    )
    rules = official("ValidationRulesApi")
    rule = rules.create_validation_rules(
        {"name": "From 50", "rules": {"1": {"name": "order.amount", "conditions": {"$more_than": [5000]}}}}
    )
    voucher = official("VouchersApi").get_voucher("RULED")
    target = {"related_object_type": "voucher", "related_object_id": voucher.id}
    assignment = rules.create_validation_rule_assignment(
        rule.id, validation_rules_assignments_create_request_body=target
    )
    assert assignment.related_object_id == voucher.id
    assert rules.list_validation_rule_assignments(rule.id).total == 1
    small = official("ValidationsApi").validate_stacked_discounts(
        {"redeemables": [{"object": "voucher", "id": "RULED"}], "order": {"amount": 4000}}
    )
    assert small.valid is False
    rules.delete_validation_rule_assignment(rule.id, assignment.id)
    rules.delete_validation_rules(rule.id)
    categories = official("CategoriesApi")
    category = categories.create_category({"name": "First", "hierarchy": 0})
    assert categories.update_category(category.id, {"name": "First", "hierarchy": 2}).hierarchy == 2
    categories.delete_category(category.id)


def test_exports(official, work):
    official("CustomersApi").create_customer({"source_id": "crm-1", "name": "Nora"})
    api = official("ExportsApi")
    made = api.create_export({"exported_object": "customer", "parameters": {"fields": ["name", "source_id"]}})
    made = getattr(made, "actual_instance", made)
    work()
    done = api.get_export(made.id)
    done = getattr(done, "actual_instance", done)
    assert done.status == "DONE"
    token = done.result.url.rpartition("token=")[2]
    assert "Nora" in api.download_export(made.id, token)
    api.delete_export(made.id)


def test_campaigns_promotions_and_publications(official, work):
    campaigns = official("CampaignsApi")
    campaign = campaigns.create_campaign(
        {"name": "Autumn", "campaign_type": "DISCOUNT_COUPONS", "type": "AUTO_UPDATE", "vouchers_count": 3,
         "voucher": {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 700}}}
    )  # fmt: skip
    work()
    assert campaigns.get_campaign("Autumn").id == campaign.id
    assert Voucher.objects.filter(campaign__name="Autumn").count() == 3
    added = campaigns.add_voucher_with_specific_code_to_campaign(campaign.id, "AUT-1", {})
    assert added.campaign_id == campaign.id
    assert campaigns.update_campaign(campaign.id, {"description": "Leaves"}).description == "Leaves"
    assert campaigns.list_campaigns(limit=10).total == 1
    campaigns.disable_campaign(campaign.id)
    campaigns.enable_campaign(campaign.id)
    publications = official("PublicationsApi")
    published = publications.create_publication(
        publications_create_request_body={"campaign": {"name": "Autumn"}, "customer": {"source_id": "crm-1"}}
    )
    published = getattr(published, "actual_instance", published)
    assert published.result == "SUCCESS"
    assert publications.list_publications(limit=10).total == 1
    assert campaigns.get_campaign_summary(campaign.id) is not None

    promotion = campaigns.create_campaign(
        {"name": "Promo", "campaign_type": "PROMOTION",
         "promotion": {"tiers": [{"name": "Tier", "banner": "10 off", "action": {
             "discount": {"type": "AMOUNT", "amount_off": 1000}}}]}}
    )  # fmt: skip
    promotions = official("PromotionsApi")
    tier = promotions.add_promotion_tier_to_campaign(
        promotion.id, {"name": "Second", "action": {"discount": {"type": "PERCENT", "percent_off": 5}}}
    )
    stack = promotions.create_promotion_stack(promotion.id, {"name": "Both", "tiers": {"ids": [tier.id]}})
    assert promotions.get_promotion_stack(promotion.id, stack.id).name == "Both"
    assert promotions.list_promotion_tiers().total == 2
    validation = official("ValidationsApi").validate_stacked_discounts(
        {"redeemables": [{"object": "promotion_tier", "id": tier.id}], "order": {"amount": 10000}}
    )
    assert validation.order.total_discount_amount == 500
    eligible = official("QualificationsApi").check_eligibility(
        {"customer": {"source_id": "crm-1"}, "order": {"amount": 10000}, "scenario": "ALL"}
    )
    assert eligible.redeemables.total >= 2


def test_the_client_side(official):
    official("VouchersApi").create_voucher(
        "WEB", {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 20}}
    )
    api = official("ClientSideApi")
    validation = api.validate_stacked_discounts_client_side(
        ORIGIN, {"redeemables": [{"object": "voucher", "id": "WEB"}], "order": {"amount": 1000}}
    )
    assert (validation.valid, validation.order.total_discount_amount) == (True, 200)
    assert validation.tracking_id.startswith("track_")
    redeemed = api.redeem_stacked_discounts_client_side(
        ORIGIN,
        {"redeemables": [{"object": "voucher", "id": "WEB"}], "order": {"amount": 1000},
         "customer": {"source_id": validation.tracking_id}},
    )  # fmt: skip
    assert redeemed.redemptions[0].result == "SUCCESS"
    event = api.track_custom_event_client_side(ORIGIN, {"event": "seen", "customer": {"source_id": "crm-1"}})
    assert event.type == "seen"


def test_the_management_api(official, shop):
    api, project = official("ManagementApi"), shop.project.public_id
    assert api.get_project(project).name == "Shop"
    second = api.create_project({"name": "Second", "timezone": "UTC", "currency": "EUR"})
    assert second.server_side_key.app_id
    assert api.list_projects().total == 2
    webhook = api.create_webhook(project, {"target_url": "https://a.example/hook", "events": ["redemption.succeeded"]})
    assert api.list_webhooks(project).data[0].id == webhook.id
    schema = api.create_custom_event_schema(project, {"name": "review", "schema": {"properties": {}}})
    assert api.get_custom_event_schema(project, schema.id).name == "review"
    metadata = api.create_metadata_schema(
        project, {"related_object": "customer", "properties": {"tier": {"type": "string"}}}
    )
    api.delete_metadata_schema(project, metadata.id)
    rules = api.create_stacking_rules(project, {"redeemables_limit": 10, "redeemables_application_mode": "PARTIAL"})
    assert api.get_stacking_rules(project, rules.id).redeemables_limit == 10
    api.delete_project(second.id)
    assert Project.objects.get(public_id=second.id).deleted_at is not None
