"""What tracking tells the apps below it; imported once, when all apps are ready."""

from __future__ import annotations

from config.exports import kinds
from config.project import services as projects
from customers import erasing, happenings
from customers.services import aliases
from tracking import catalogue_exports, exports
from tracking.services import catalogue, erasure, identities, profile_events

aliases.readers.append(identities.meant_by)
aliases.settlers.append(identities.settle)
projects.on_created.append(catalogue.ensure_shipping)
happenings.tellers.append(profile_events.record)
kinds.register(exports.KIND)
kinds.register(catalogue_exports.PRODUCT)
kinds.register(catalogue_exports.SKU)
erasing.finders.append(erasure.tokens_of)
erasing.erasers.append(erasure.erase)
