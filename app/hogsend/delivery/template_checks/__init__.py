"""Checks of finished mails, each a function without side effects."""
