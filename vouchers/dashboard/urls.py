"""Addresses of vouchers and redemptions in the dashboard."""

from django.urls import path

from vouchers.dashboard import (
    bulk,
    campaign_acts,
    campaign_drafts,
    campaigns,
    checks,
    publishing,
    redemptions,
    rule_editor,
    rules,
    stacking,
    stacks,
    uploads,
    views,
)

urlpatterns = [
    path("settings/stacking/", stacking.StackingPage.as_view(), name="stacking"),
    path("settings/categories/", stacking.CategoryPage.as_view(), name="category-new"),
    path("settings/categories/<str:public_id>/", stacking.CategoryPage.as_view(), name="category"),
    path("check/", checks.CheckCode.as_view(), name="check"),
    path("check/redeem/", checks.CheckRedeem.as_view(), name="check-redeem"),
    path("rules/", rules.RuleList.as_view(), name="rules"),
    path("rules/new/", rule_editor.RuleEditor.as_view(), name="rule-new"),
    path("rules/<str:public_id>/", rules.RulePage.as_view(), name="rule"),
    path("rules/<str:public_id>/edit/", rule_editor.RuleEdit.as_view(), name="rule-edit"),
    path("rules/<str:public_id>/delete/", rules.RuleDelete.as_view(), name="rule-delete"),
    path("rules/<str:public_id>/assign/", rules.RuleAssign.as_view(), name="rule-assign"),
    path("campaigns/", campaigns.CampaignList.as_view(), name="campaigns"),
    path("campaigns/new/", campaign_drafts.CampaignNew.as_view(), name="campaign-new"),
    path("campaigns/drafts/<str:public_id>/", campaign_drafts.DraftReview.as_view(), name="draft"),
    path("campaigns/drafts/<str:public_id>/discard/", campaign_drafts.DraftDiscard.as_view(), name="draft-discard"),
    path("campaigns/drafts/<str:public_id>/<str:step>/", campaign_drafts.DraftStep.as_view(), name="draft-step"),
    path("campaigns/<str:public_id>/", campaigns.Summary.as_view(), name="campaign"),
    path("campaigns/<str:public_id>/edit/", campaign_drafts.CampaignDraftFrom.as_view(), name="campaign-edit"),
    path("campaigns/<str:public_id>/copy/", campaign_drafts.CampaignDraftFrom.as_view(copy=True), name="campaign-copy"),
    path("campaigns/<str:public_id>/switch/", campaign_acts.CampaignSwitch.as_view(), name="campaign-switch"),
    path("campaigns/<str:public_id>/delete/", campaign_acts.CampaignDelete.as_view(), name="campaign-delete"),
    path("campaigns/<str:public_id>/codes/", campaign_acts.CampaignCodes.as_view(), name="campaign-codes"),
    path("campaigns/<str:public_id>/tiers/new/", campaign_acts.TierNew.as_view(), name="tier-new"),
    path("campaigns/<str:public_id>/tiers/<str:tier_id>/", campaign_acts.TierEdit.as_view(), name="tier"),
    path(
        "campaigns/<str:public_id>/tiers/<str:tier_id>/switch/", campaign_acts.TierSwitch.as_view(), name="tier-switch"
    ),
    path(
        "campaigns/<str:public_id>/tiers/<str:tier_id>/delete/", campaign_acts.TierDelete.as_view(), name="tier-delete"
    ),
    path("campaigns/<str:public_id>/stacks/<str:stack_id>/", stacks.StackPage.as_view(), name="stack"),
    path("campaigns/<str:public_id>/stacks/<str:stack_id>/delete/", stacks.StackDelete.as_view(), name="stack-delete"),
    path("campaigns/<str:public_id>/publish/", publishing.CampaignPublish.as_view(), name="campaign-publish"),
    path("vouchers/<str:public_id>/publish/", publishing.VoucherPublish.as_view(), name="voucher-publish"),
    path("campaigns/<str:public_id>/vouchers/", campaigns.CampaignVouchers.as_view(), name="campaign-vouchers"),
    path("campaigns/<str:public_id>/rules/", campaigns.CampaignRules.as_view(), name="campaign-rules"),
    path(
        "campaigns/<str:public_id>/redemptions/", campaigns.CampaignRedemptions.as_view(), name="campaign-redemptions"
    ),
    path("campaigns/<str:public_id>/activity/", campaigns.CampaignActivity.as_view(), name="campaign-activity"),
    path("campaigns/<str:public_id>/metadata/", campaigns.CampaignMetadata.as_view(), name="campaign-metadata"),
    path("campaigns/<str:public_id>/tiers/", campaigns.CampaignTiers.as_view(), name="campaign-tiers"),
    path("vouchers/", views.VoucherList.as_view(), name="vouchers"),
    path("vouchers/import/", uploads.VoucherImport.as_view(), name="voucher-import"),
    path("vouchers/many/", bulk.VoucherBulk.as_view(), name="voucher-bulk"),
    path("vouchers/new/", views.VoucherNew.as_view(), name="voucher-new"),
    path("vouchers/<str:public_id>/", views.VoucherPage.as_view(), name="voucher"),
    path("vouchers/<str:public_id>/switch/", views.VoucherSwitch.as_view(), name="voucher-switch"),
    path("vouchers/<str:public_id>/qr.svg", views.VoucherPicture.as_view(), name="voucher-picture"),
    path("vouchers/<str:public_id>/balance/", views.VoucherBalance.as_view(), name="voucher-balance"),
    path("vouchers/<str:public_id>/delete/", views.VoucherDelete.as_view(), name="voucher-delete"),
    path("redemptions/", redemptions.RedemptionList.as_view(), name="redemptions"),
    path("redemptions/<str:public_id>/", redemptions.RedemptionPage.as_view(), name="redemption"),
    path("redemptions/<str:public_id>/rollback/", redemptions.RedemptionRollback.as_view(), name="redemption-rollback"),
]
