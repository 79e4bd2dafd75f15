"""The texts of the footer of mails, in the languages that Hogsend speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .languages import DEFAULT_LANGUAGE, choose_language

# The names that a template has under `footer`, each with its meaning.
FOOTER_TEXTS: Final[Mapping[str, str]] = {
    "language": "the language of the texts, for an attribute `lang`",
    "account": "why the recipient gets the mail; `{name}` is the sender",
    "list": "which list it belongs to; `{name}` is the list",
    "unsubscribe": "the words of the link `unsubscribe_url`",
    "preferences": "the words of the link `preferences_url`",
    "view": "the words of the link `view_url`",
}

_BY_LANGUAGE: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "account": "You are receiving this email because you have an account at {name}.",
        "list": "It is part of the list “{name}”.",
        "unsubscribe": "Unsubscribe",
        "preferences": "Email preferences",
        "view": "View in browser",
    },
    "de": {
        "account": "Sie erhalten diese E-Mail, weil Sie ein Konto bei {name} haben.",
        "list": "Sie gehört zur Liste „{name}“.",
        "unsubscribe": "Abmelden",
        "preferences": "E-Mail-Einstellungen",
        "view": "Im Browser ansehen",
    },
    "fr": {
        "account": "Vous recevez cet e-mail parce que vous avez un compte chez {name}.",
        "list": "Il fait partie de la liste « {name} ».",
        "unsubscribe": "Se désabonner",
        "preferences": "Préférences des e-mails",
        "view": "Voir dans le navigateur",
    },
    "es": {
        "account": "Recibe este correo porque tiene una cuenta en {name}.",
        "list": "Pertenece a la lista «{name}».",
        "unsubscribe": "Darse de baja",
        "preferences": "Preferencias de correo",
        "view": "Ver en el navegador",
    },
    "pt": {
        "account": "Está a receber este e-mail porque tem uma conta em {name}.",
        "list": "Faz parte da lista “{name}”.",
        "unsubscribe": "Cancelar subscrição",
        "preferences": "Preferências de e-mail",
        "view": "Ver no navegador",
    },
    "nl": {
        "account": "U ontvangt deze e-mail omdat u een account hebt bij {name}.",
        "list": "De e-mail hoort bij de lijst „{name}”.",
        "unsubscribe": "Afmelden",
        "preferences": "E-mailvoorkeuren",
        "view": "In browser bekijken",
    },
    "it": {
        "account": "Ricevi questa email perché hai un account presso {name}.",
        "list": "Fa parte della lista “{name}”.",
        "unsubscribe": "Annulla iscrizione",
        "preferences": "Preferenze email",
        "view": "Visualizza nel browser",
    },
    "pt-BR": {
        "account": "Você está recebendo este e-mail porque tem uma conta na {name}.",
        "list": "Ele faz parte da lista “{name}”.",
        "unsubscribe": "Cancelar inscrição",
        "preferences": "Preferências de e-mail",
        "view": "Ver no navegador",
    },
}
_TEXTS: Final = {tag: {"language": tag, **texts} for tag, texts in _BY_LANGUAGE.items()}


def get_footer_texts(contact_language: str | None, mail_language: str) -> Mapping[str, str]:
    """Return the texts of a mail's footer: in the recipient's language, else in that of the mail.

    Args:
        contact_language: from `resolve_language`; None if it is unknown.
        mail_language: the language of the mail's text.
    """
    tag = (
        choose_language(contact_language, _TEXTS)
        or choose_language(mail_language, _TEXTS)
        or DEFAULT_LANGUAGE
    )
    return _TEXTS[tag]
