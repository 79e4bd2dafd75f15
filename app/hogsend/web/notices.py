"""What a page confirms after a change; a redirect names the notice in its query."""

from __future__ import annotations

from collections.abc import Mapping

from . import formatting

NOTICES = {
    "woken": "Woken up. The next turn will run shortly.",
    "exited": "Exited. Emails that had not been sent were cancelled.",
    "continued": "Continued. The next turn will run shortly.",
    "restarted": "Restarted. This is the new enrollment; the previous one has ended.",
    "retried": "Retrying. The turn will run again shortly.",
    "all-retried": "Retried {enrollments}. Their turns run again shortly.",
    "all-done": "Done. The audit log shows how many enrollments were changed.",
    "under-way": "In progress. The audit log shows how many enrollments were changed so far.",
    "subscribed": "Saved. This contact is subscribed to the list.",
    "unsubscribed": "Saved. This contact is unsubscribed from the list.",
    "stopped": "Saved. This contact only gets transactional email.",
    "resumed": "Saved. This contact gets email again.",
    "suppressed": "Saved. No email is sent to this address.",
    "contact-created": "Contact created.",
    "contact-saved": "Saved. Waits that follow a property have moved.",
    "contacts-merged": "Merged. Undo it under “Merged contacts”.",
    "contact-split": "Split off. This contact has back what it had before the merge.",
    "contact-split-in-part": "Split off. Where both contacts were in a journey, the enrollment "
    "that the merge has ended stays ended: enroll the contact again if it should go on.",
    "email-resolved": "Recorded.",
    "unsuppressed": "Email can be sent to this address again.",
    "erased": "Erased. Nothing personal about this contact is stored any more.",
    "erasing": "The contact is erased. What it has left behind is being removed.",
    "import-cancelled": "Cancelled. What was imported before stays.",
    "import-deleted": "Deleted. The contacts that it made stay.",
    "import-read": "The file was read again. Check what its columns mean.",
    "import-saved": "Saved. Nothing is imported yet.",
    "email-retried": "Retrying. The email will be made again shortly.",
    "emails-retried": "Retrying. The emails will be made again shortly.",
    "email-cancelled": "Cancelled. The email will not be sent.",
    "resent": "Resent. This is the new email; the previous one stays as it was.",
    "cleared": "Inbox cleared.",
    "mail-stopped": "Stopped. The email waits until you let it leave again.",
    "mail-released": "Released. The email that waited leaves now.",
    "revoked": "Key revoked. It can no longer be used.",
    "enabled": "Journey enabled. New triggers enroll contacts again.",
    "disabled": "Journey disabled. No one new enters; contacts already in it continue.",
}


def describe_notice(query: Mapping[str, str]) -> str:
    """Return the notice that a page's query names; empty when it names none."""
    text, number = NOTICES.get(query.get("done", ""), ""), query.get("number", "")
    if "{" not in text:
        return text
    count = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    return text.format(enrollments=formatting.pluralize(count, "enrollment"))
