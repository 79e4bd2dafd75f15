"""The texts of the public pages in Spanish."""

from __future__ import annotations

from .texts import PublicTexts

TEXTS = PublicTexts(
    this_address="esta dirección",
    language="Idioma",
    save_language="Guardar idioma",
    unsubscribe_title="Cancelar suscripción",
    unsubscribed_title="Suscripción cancelada",
    unsubscribe_question="¿Cancelar la suscripción?",
    is_subscribed="{email} recibe «{list}».",
    unsubscribe="Cancelar suscripción",
    has_been_unsubscribed="Se ha cancelado la suscripción",
    gets_list_no_longer="{email} ya no recibirá «{list}».",
    gets_nothing=(
        "{email} ya no recibirá correos nuestros, salvo los imprescindibles, como los recibos."
    ),
    undo="Deshacer",
    is_subscribed_again="La suscripción vuelve a estar activa",
    gets_list_again="{email} volverá a recibir «{list}».",
    is_already_unsubscribed="La suscripción ya estaba cancelada",
    does_not_get_list="{email} no recibe «{list}».",
    does_not_get_anything="{email} no recibe «{list}» ni otros correos.",
    unsubscribe_from_all="Cancelar todos los correos",
    manage_preferences="Gestionar las preferencias",
    preferences_title="Preferencias de correo",
    choose_emails="Elija qué correos recibe {email}.",
    has_stopped_everything=(
        "Ha cancelado todos los correos, salvo los imprescindibles, como los recibos."
    ),
    resubscribe="Volver a suscribirse",
    choices_are_kept="Sus opciones se conservan y se aplicarán cuando vuelva a suscribirse.",
    essential_list="Los correos imprescindibles no se pueden desactivar.",
    save_preferences="Guardar preferencias",
    saving="Guardando…",
    saved="Sus preferencias se han guardado.",
    not_saved="No se ha guardado. Compruebe la conexión e inténtelo de nuevo.",
    pause="Pausar durante 30 días",
    pause_explanation=(
        "Durante una pausa solo llegan los correos imprescindibles, como los recibos."
    ),
    is_paused=(
        "Los correos están en pausa hasta el {date}, salvo los imprescindibles, como los recibos."
    ),
    end_pause="Terminar la pausa ahora",
    press_again_title="Confirme, por favor",
    press_again=(
        "Algunos sistemas de correo pulsan los botones de los mensajes de forma automática. "
        "Pulse el botón para que sepamos que ha sido usted."
    ),
    press_again_button="Sí, he sido yo",
    tap_again="Vuelva a pulsar el interruptor para que sepamos que ha sido usted.",
    link_is_incomplete="Este enlace está incompleto.",
    open_from_email="Vuelva a abrirlo desde el correo.",
    link_is_invalid="Este enlace ya no es válido.",
    recipient_was_removed="Su destinatario se ha eliminado y ya no recibe correos.",
    email_is_gone="Este correo ya no está disponible.",
    emails_are_kept_for_a_time="Los correos se conservan durante un tiempo limitado.",
    not_possible_now="Ahora mismo no es posible.",
    try_later="Inténtelo de nuevo más tarde.",
    page_does_not_exist="Esta página no existe.",
    check_address=(
        "Compruebe la dirección: puede estar incompleta o la página puede haberse movido."
    ),
    request_is_wrong="Esta página no admite esa solicitud.",
    open_with_link="Ábrala con un enlace o un formulario.",
    something_went_wrong="Algo ha fallado.",
    date="{day} de {month} de {year}",
    months=(
        "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre",
        "octubre", "noviembre", "diciembre",
    ),
)  # fmt: skip
