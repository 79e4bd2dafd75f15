"""How the exports of other products name their columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """The export of another product.

    Args:
        name: the name on the command line.
        label: the product's name.
        signature: groups of simplified column names: an export has every column of one group.
        columns: what a column is imported as, by its simplified name.
    """

    name: str
    label: str
    signature: tuple[frozenset[str], ...]
    columns: Mapping[str, str]

    def is_export_with(self, names: frozenset[str]) -> bool:
        """Return whether the product's export has these columns, by their simplified names."""
        return any(group <= names for group in self.signature)


def simplify(name: str) -> str:
    """Return a column's name in lower case, without spaces and punctuation."""
    return "".join(character for character in name.casefold() if character.isalnum())


# Columns that mean the same in every file. A column `id` is not among them: in an export of a
# product's own database it is the user id, elsewhere it is the id of a row.
COMMON_COLUMNS: Mapping[str, str] = {
    "email": "email",
    "emailaddress": "email",
    "mail": "email",
    "userid": "userId",
    "externalid": "userId",
    "anonymousid": "anonymousId",
    "identities": "identities",
    "properties": "properties",
    "lists": "lists",
    "suppression": "suppression",
    "firstseenat": "firstSeenAt",
    "lastseenat": "lastSeenAt",
    "subscribed": "subscribed",
    "unsubscribed": "unsubscribed",
    "unsubscribedall": "unsubscribed",
    "suppressed": "suppressed",
    "contactid": "ignore",
}
SUPPRESSION_COLUMNS: Mapping[str, str] = {
    "email": "email",
    "emailaddress": "email",
    "address": "email",
    "mail": "email",
    "userid": "userId",
    "externalid": "userId",
    "reason": "reason",
    "at": "suppressedAt",
}

_ALL = (
    # Our own exports have their names from `COMMON_COLUMNS`.
    Preset("hogsend", "Hogsend", (frozenset({"contactid", "firstseenat", "lastseenat"}),), {}),
    Preset(
        "customerio",
        "Customer.io",
        (frozenset({"cioid"}), frozenset({"id", "email", "ciosubscriptionpreferences"})),
        {
            "id": "userId",
            "cioid": "ignore",
            "createdat": "firstSeenAt",
            "ciosubscriptionpreferences": "property:cio_subscription_preferences:json",
        },
    ),
    Preset(
        "loops",
        "Loops",
        (frozenset({"email", "usergroup", "subscribed"}), frozenset({"email", "usergroup"})),
        {
            "firstname": "property:firstName",
            "lastname": "property:lastName",
            "usergroup": "property:userGroup",
            "source": "property:source",
            "notes": "property:notes",
            "createdat": "firstSeenAt",
        },
    ),
    Preset(
        "mailchimp",
        "Mailchimp",
        (frozenset({"emailaddress", "leid", "euid"}), frozenset({"emailaddress", "memberrating"})),
        {
            "firstname": "property:firstName",
            "lastname": "property:lastName",
            "phonenumber": "property:phone",
            "memberrating": "property:memberRating:number",
            "tags": "property:tags",
            "notes": "property:notes",
            "region": "property:region",
            "cc": "property:country",
            "timezone": "property:timezone",
            "confirmtime": "firstSeenAt",
            "unsubtime": "unsubscribedAt",
            "cleantime": "bouncedAt",
            **dict.fromkeys(
                (
                    *("leid", "euid", "optintime", "optinip", "confirmip", "latitude"),
                    *("longitude", "gmtoff", "dstoff", "lastchanged"),
                    *("unsubcampaigntitle", "unsubcampaignid", "unsubreason", "unsubreasonother"),
                    *("cleancampaigntitle", "cleancampaignid"),
                ),
                "ignore",
            ),
        },
    ),
    Preset(
        "brevo",
        "Brevo",
        (
            frozenset({"email", "addedtime", "modifiedtime"}),
            frozenset({"email", "contactid", "sms"}),
            frozenset({"email", "emailblacklisted"}),
            frozenset({"email", "emailblocklisted"}),
        ),
        {
            "contactid": "ignore",
            "extid": "userId",
            "firstname": "property:firstName",
            "lastname": "property:lastName",
            "prenom": "property:firstName",
            "nom": "property:lastName",
            "sms": "property:phone",
            "addedtime": "property:addedTime",
            "modifiedtime": "ignore",
            "emailblacklisted": "unsubscribed",
            "emailblocklisted": "unsubscribed",
            "emailmarketing": "status",
            "smsblacklisted": "ignore",
            "smsblocklisted": "ignore",
            "listids": "ignore",
        },
    ),
    Preset(
        "listmonk",
        "listmonk",
        (frozenset({"uuid", "email", "attributes", "status"}),),
        {
            "uuid": "ignore",
            "name": "property:name",
            "attributes": "properties",
            "status": "status",
            "createdat": "firstSeenAt",
            "updatedat": "ignore",
        },
    ),
)
PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in _ALL}
