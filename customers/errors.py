"""What can be wrong with a customer."""

from __future__ import annotations

from config.kernel.errors import Conflict, Invalid


class InvalidCustomer(Invalid):
    """Invalid customer"""

    key = "invalid_customer"


class NotEnoughSourceIds(Invalid):
    """Not enough source_ids"""

    key = "not_enough_source_ids"


class CustomerBusy(Conflict):
    """The customer is being changed by other requests; send the request again"""

    key = "multiple_requests"


class ChangedMeanwhile(Conflict):
    """Somebody changed this customer after you opened the form; look at the new values and save again"""

    key = "changed_meanwhile"
