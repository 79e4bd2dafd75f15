"""The texts of the public pages in Portuguese."""

from __future__ import annotations

from .texts import PublicTexts

TEXTS = PublicTexts(
    this_address="este endereço",
    language="Idioma",
    save_language="Salvar idioma",
    unsubscribe_title="Cancelar inscrição",
    unsubscribed_title="Inscrição cancelada",
    unsubscribe_question="Cancelar a inscrição?",
    is_subscribed="{email} recebe “{list}”.",
    unsubscribe="Cancelar inscrição",
    has_been_unsubscribed="A inscrição foi cancelada",
    gets_list_no_longer="{email} não receberá mais “{list}”.",
    gets_nothing=(
        "{email} não receberá mais e-mails nossos, exceto os essenciais, como recibos."
    ),
    undo="Desfazer",
    is_subscribed_again="A inscrição está ativa novamente",
    gets_list_again="{email} voltará a receber “{list}”.",
    is_already_unsubscribed="A inscrição já estava cancelada",
    does_not_get_list="{email} não recebe “{list}”.",
    does_not_get_anything="{email} não recebe “{list}” nem outros e-mails.",
    unsubscribe_from_all="Cancelar todos os e-mails",
    manage_preferences="Gerenciar as preferências",
    preferences_title="Preferências de e-mail",
    choose_emails="Escolha quais e-mails {email} recebe.",
    has_stopped_everything=(
        "Todos os e-mails foram cancelados, exceto os essenciais, como recibos."
    ),
    resubscribe="Inscrever-se novamente",
    choices_are_kept=(
        "As opções abaixo são mantidas e voltam a valer após uma nova inscrição."
    ),
    essential_list="Os e-mails essenciais não podem ser desativados.",
    save_preferences="Salvar preferências",
    saving="Salvando…",
    saved="As preferências foram salvas.",
    not_saved="Não foi possível salvar. Verifique a conexão e tente novamente.",
    pause="Pausar por 30 dias",
    pause_explanation="Durante uma pausa chegam apenas os e-mails essenciais, como recibos.",
    is_paused="Os e-mails estão em pausa até {date}, exceto os essenciais, como recibos.",
    end_pause="Encerrar a pausa agora",
    press_again_title="Confirme, por favor",
    press_again=(
        "Alguns sistemas de e-mail acionam os botões das mensagens automaticamente. "
        "Pressione o botão abaixo para sabermos que a ação foi sua."
    ),
    press_again_button="Sim, fui eu",
    tap_again="Toque novamente no botão para sabermos que a ação foi sua.",
    link_is_incomplete="Este link está incompleto.",
    open_from_email="Abra-o novamente a partir do e-mail.",
    link_is_invalid="Este link não é mais válido.",
    recipient_was_removed="O destinatário foi removido e não recebe mais e-mails.",
    email_is_gone="Este e-mail não está mais disponível.",
    emails_are_kept_for_a_time="Os e-mails são guardados por tempo limitado.",
    not_possible_now="Isso não é possível no momento.",
    try_later="Tente novamente mais tarde.",
    page_does_not_exist="Esta página não existe.",
    check_address=(
        "Verifique o endereço: pode estar incompleto, ou a página pode ter sido movida."
    ),
    request_is_wrong="Esta página não aceita essa solicitação.",
    open_with_link="Abra-a por um link ou formulário.",
    something_went_wrong="Algo deu errado.",
    date="{day} de {month} de {year}",
    months=(
        "janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro",
        "outubro", "novembro", "dezembro",
    ),
)  # fmt: skip
