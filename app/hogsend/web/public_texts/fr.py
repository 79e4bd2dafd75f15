"""The texts of the public pages in French."""

from __future__ import annotations

from .texts import PublicTexts

TEXTS = PublicTexts(
    this_address="cette adresse",
    language="Langue",
    save_language="Enregistrer la langue",
    unsubscribe_title="Désinscription",
    unsubscribed_title="Désinscription effectuée",
    unsubscribe_question="Se désinscrire ?",
    is_subscribed="{email} reçoit « {list} ».",
    unsubscribe="Se désinscrire",
    has_been_unsubscribed="Vous êtes désinscrit(e)",
    gets_list_no_longer="{email} ne recevra plus « {list} ».",
    gets_nothing=(
        "{email} ne recevra plus aucun e-mail de notre part, sauf les messages indispensables "
        "comme les reçus."
    ),
    undo="Annuler",
    is_subscribed_again="Vous êtes de nouveau inscrit(e)",
    gets_list_again="{email} recevra de nouveau « {list} ».",
    is_already_unsubscribed="Vous êtes déjà désinscrit(e)",
    does_not_get_list="{email} ne reçoit pas « {list} ».",
    does_not_get_anything="{email} ne reçoit ni « {list} » ni d’autres e-mails.",
    unsubscribe_from_all="Se désinscrire de tous les e-mails",
    manage_preferences="Gérer vos préférences",
    preferences_title="Préférences d’e-mail",
    choose_emails="Choisissez les e-mails que {email} reçoit.",
    has_stopped_everything=(
        "Vous êtes désinscrit(e) de tous les e-mails, sauf des messages indispensables comme les "
        "reçus."
    ),
    resubscribe="Se réinscrire",
    choices_are_kept=(
        "Les choix ci-dessous sont conservés et s’appliqueront à nouveau quand vous vous "
        "réinscrirez."
    ),
    essential_list="Les e-mails indispensables ne peuvent pas être désactivés.",
    save_preferences="Enregistrer les préférences",
    saving="Enregistrement…",
    saved="Vos préférences sont enregistrées.",
    not_saved="Échec de l’enregistrement. Vérifiez votre connexion et réessayez.",
    pause="Mettre en pause pendant 30 jours",
    pause_explanation=(
        "Pendant une pause, seuls les e-mails indispensables arrivent, comme les reçus."
    ),
    is_paused=(
        "Les e-mails sont en pause jusqu’au {date}, sauf les messages indispensables comme les "
        "reçus."
    ),
    end_pause="Mettre fin à la pause",
    press_again_title="Veuillez confirmer",
    press_again=(
        "Certains systèmes de messagerie actionnent automatiquement les boutons des e-mails. "
        "Appuyez sur le bouton ci-dessous pour confirmer que c’était bien vous."
    ),
    press_again_button="Oui, c’était moi",
    tap_again="Appuyez de nouveau sur l’interrupteur pour confirmer que c’était bien vous.",
    link_is_incomplete="Ce lien est incomplet.",
    open_from_email="Ouvrez-le de nouveau depuis l’e-mail.",
    link_is_invalid="Ce lien n’est plus valable.",
    recipient_was_removed="Son destinataire a été supprimé et ne reçoit plus d’e-mails.",
    email_is_gone="Cet e-mail n’est plus disponible.",
    emails_are_kept_for_a_time="Les e-mails sont conservés pendant une durée limitée.",
    not_possible_now="Ce n’est pas possible pour le moment.",
    try_later="Réessayez plus tard.",
    page_does_not_exist="Cette page n’existe pas.",
    check_address=(
        "Vérifiez son adresse : elle est peut-être incomplète, ou la page a été déplacée."
    ),
    request_is_wrong="Cette page n’accepte pas cette requête.",
    open_with_link="Ouvrez-la par un lien ou un formulaire.",
    something_went_wrong="Une erreur s’est produite.",
    date="{day} {month} {year}",
    months=(
        "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
        "octobre", "novembre", "décembre",
    ),
)  # fmt: skip
