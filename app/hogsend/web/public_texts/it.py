"""The texts of the public pages in Italian."""

from __future__ import annotations

from .texts import PublicTexts

TEXTS = PublicTexts(
    this_address="questo indirizzo",
    language="Lingua",
    save_language="Salva la lingua",
    unsubscribe_title="Annulla iscrizione",
    unsubscribed_title="Iscrizione annullata",
    unsubscribe_question="Annullare l’iscrizione?",
    is_subscribed="{email} riceve “{list}”.",
    unsubscribe="Annulla iscrizione",
    has_been_unsubscribed="L’iscrizione è stata annullata",
    gets_list_no_longer="{email} non riceverà più “{list}”.",
    gets_nothing=(
        "{email} non riceverà più nostre e-mail, tranne quelle indispensabili come le ricevute."
    ),
    undo="Ripristina",
    is_subscribed_again="L’iscrizione è di nuovo attiva",
    gets_list_again="{email} riceverà di nuovo “{list}”.",
    is_already_unsubscribed="L’iscrizione era già annullata",
    does_not_get_list="{email} non riceve “{list}”.",
    does_not_get_anything="{email} non riceve “{list}” né altre e-mail.",
    unsubscribe_from_all="Annulla l’iscrizione a tutte le e-mail",
    manage_preferences="Gestisci le preferenze",
    preferences_title="Preferenze e-mail",
    choose_emails="Scegli quali e-mail riceve {email}.",
    has_stopped_everything=(
        "L’iscrizione a tutte le e-mail è annullata, tranne quelle indispensabili come le ricevute."
    ),
    resubscribe="Iscriviti di nuovo",
    choices_are_kept=(
        "Le scelte qui sotto restano salvate e torneranno valide con una nuova iscrizione."
    ),
    essential_list="Le e-mail indispensabili non si possono disattivare.",
    save_preferences="Salva le preferenze",
    saving="Salvataggio…",
    saved="Le preferenze sono state salvate.",
    not_saved="Non salvato. Controlla la connessione e riprova.",
    pause="Sospendi per 30 giorni",
    pause_explanation=(
        "Durante una sospensione arrivano solo le e-mail indispensabili, come le ricevute."
    ),
    is_paused=(
        "Le e-mail sono sospese fino al {date}, tranne quelle indispensabili come le ricevute."
    ),
    end_pause="Termina ora la sospensione",
    press_again_title="Conferma, per favore",
    press_again=(
        "Alcuni sistemi di posta premono automaticamente i pulsanti nelle e-mail. "
        "Premi il pulsante qui sotto per confermare che l’azione è tua."
    ),
    press_again_button="Sì, confermo",
    tap_again="Tocca di nuovo l’interruttore per confermare che l’azione è tua.",
    link_is_incomplete="Questo link è incompleto.",
    open_from_email="Aprilo di nuovo dall’e-mail.",
    link_is_invalid="Questo link non è più valido.",
    recipient_was_removed="Il destinatario è stato rimosso e non riceve più e-mail.",
    email_is_gone="Questa e-mail non è più disponibile.",
    emails_are_kept_for_a_time="Le e-mail si conservano per un tempo limitato.",
    not_possible_now="Al momento non è possibile.",
    try_later="Riprova più tardi.",
    page_does_not_exist="Questa pagina non esiste.",
    check_address=(
        "Controlla l’indirizzo: potrebbe essere incompleto, o la pagina è stata spostata."
    ),
    request_is_wrong="Questa pagina non accetta quella richiesta.",
    open_with_link="Aprila da un link o da un modulo.",
    something_went_wrong="Qualcosa è andato storto.",
    date="{day} {month} {year}",
    months=(
        "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto",
        "settembre", "ottobre", "novembre", "dicembre",
    ),
)  # fmt: skip
