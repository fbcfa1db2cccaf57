"""Webhooks: what happened, sent to addresses the project chose. At least once, in no promised order."""
