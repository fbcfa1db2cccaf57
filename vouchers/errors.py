"""What vouchers refuse, keyed as on the wire."""

from __future__ import annotations

from config.kernel.errors import Conflict, Invalid, Refused
from vouchers.engine.terms import Refusal


class VoucherRefused(Refused):
    """Voucher refused"""

    def __init__(self, refusal: Refusal, code: str, *, resource_id: str | None = None) -> None:
        """refusal: the first reason, whose key and message are the wire's. resource_id: of the failed attempt kept."""
        super().__init__(
            refusal.details or code,
            resource_id=resource_id,
            resource_type="redemption" if resource_id else None,
            custom_message=refusal.custom_message,
        )
        self.refusal = refusal
        self.key = refusal.key  # type: ignore[misc]  # an instance has the key of its reason

    @property
    def message(self) -> str:
        """The reason's sentence."""
        return self.refusal.message


class InvalidVoucher(Invalid):
    """Invalid Voucher"""

    key = "invalid_voucher"


class InvalidGift(Invalid):
    """Invalid gift"""

    key = "invalid_gift"


class InvalidCodeConfig(Invalid):
    """Invalid code config"""

    key = "invalid_code_config"


class InvalidCampaign(Invalid):
    """Invalid Campaign"""

    key = "invalid_campaign"


class InvalidValidationRules(Invalid):
    """Invalid Validation Rule Definition"""

    key = "invalid_validation_rules"


class InvalidAddBalanceParams(Invalid):
    """Invalid add balance params"""

    key = "invalid_add_balance_params"


class GiftAmountExceeded(Refused):
    """gift amount exceeded"""

    key = "gift_amount_exceeded"


class DuplicatedRedeemables(Invalid):
    """Duplicated redeemables detected"""

    key = "duplicated_redeemables"


class InvalidRedeemables(Invalid):
    """Invalid redeemables"""

    key = "invalid_redeemables"


class RedeemablesLimitExceeded(Invalid):
    """Redeemables limit exceeded"""

    key = "redeemables_limit_exceeded"


class InvalidOrder(Invalid):
    """Invalid order"""

    key = "invalid_order"


class InvalidAmount(Invalid):
    """Invalid amount"""

    key = "invalid_amount"


class StackingRulesExist(Conflict):
    """Stacking rules exist"""

    key = "stacking_rules_exist"


class InvalidCustomer(Refused):
    """Invalid customer"""

    key = "invalid_customer"


class AlreadyRolledBack(Refused):
    """Already rolled back"""

    key = "already_rolled_back"


class InvalidRedemption(Refused):
    """Invalid redemption"""

    key = "invalid_redemption"


class InvalidRedemptionParent(Refused):
    """Invalid redemption parent"""

    key = "invalid_redemption_parent"


class InvalidRollbackParams(Invalid):
    """Invalid rollback params"""

    key = "invalid_rollback_params"


class NotEnoughCodes(Invalid):
    """Not enough codes"""

    key = "not_enough_codes"


class DuplicateKey(Invalid):
    """Duplicate codes"""

    key = "duplicate_key"


class MissingVouchers(Invalid):
    """Missing vouchers"""

    key = "missing_vouchers"


class InvalidPublishParams(Invalid):
    """Invalid publish params"""

    key = "invalid_publish_params"


class DuplicateSourceId(Refused):
    """Duplicate source_id"""

    key = "duplicate_source_id"


class TooManyVouchersRequested(Refused):
    """Too many vouchers requested"""

    key = "too_many_vouchers_requested"


class PublicationRefused(Refused):
    """Voucher cannot be published"""

    key = "voucher_cannot_be_published"


class VoucherAlreadyPublished(PublicationRefused):
    """Voucher already published"""

    key = "voucher_already_published"


class NoVoucherSuitable(PublicationRefused):
    """No voucher suitable for publication"""

    key = "no_voucher_suitable_for_publication"
