"""The phrases by which mail programs introduce quotes, in the languages they speak; regular expression sources."""

from typing import Final

WROTE: Final = (
    r"\b(?:wrote|writes|schrieb(?: am)?|a écrit|écrit|escribió|ha scritto|scrisse|escreveu|schreef|skrev|kirjoitti"
    r"|napisał(?:\(a\)|a)?|napsala?|napísala?|írta|a scris|пишет|написал(?:\(а\)|а)?|έγραψε|yazdı|viết|menulis)"
    r"[^\n:]{0,100}[:：]\Z|(?:写道|寫道|さん(?:は|が)書きました|のメール|님이 작성)[^\n]{0,20}[:：]\Z"
)
"""The end of a line such as "On Monday, Ann wrote:"."""

OPENING: Final = (
    r"[ \t]*(?:on|am|le|el|il|em|op|den|på|dnia|w dniu|dne|dňa|la data de|în|pe|στις|ngày|pada"
    r"|\d{4}[-/年.]|\d{1,2}[./ -])"
)
"""The beginning of such a line, which may be broken into several."""

ORIGINAL: Final = (
    r"original(?:[ -](?:message|appointment|meddelande|nachricht|bericht))?"
    r"|ursprüngliche (?:nachricht|e-mail)|urspr\. nachricht|originalnachricht|message d['’]origine|message original"
    r"|mensaje original|messaggio originale|mensagem original|oorspronkelijk bericht|oprindelig meddelelse"
    r"|ursprungligt meddelande|opprinnelig melding|alkuperäinen viesti|wiadomość oryginalna|původní zpráva"
    r"|mesajul original|eredeti üzenet|исходное сообщение|orijinal mesaj|原始邮件|元のメッセージ|원본 메시지"
    r"|forwarded (?:message|by [^\n-]{1,100})|weitergeleitete nachricht|message transféré|mensaje reenviado"
    r"|messaggio inoltrato|doorgestuurd bericht|mensagem encaminhada|wiadomość przekazana|mesaj redirecționat"
    r"|転送メッセージ|转发的邮件"
)
"""What stands between dashes above an older message."""

FROM: Final = (
    "from|von|de|da|van|från|fra|lähettäjä|od|feladó|de la|от|kimden|gönderen|expéditeur"
    "|发件人|寄件者|差出人|보낸 사람"
)
"""The first label of an older message's header block as Outlook writes it."""

SENT: Final = (
    "sent|date|gesendet|datum|envoyé|enviado(?: el| em)?|fecha|data|inviato|verzonden|skickat|sendt|dato|lähetetty"
    "|wysłano|odesláno|elküldve|trimis|отправлено|дата|gönderildi|tarih"
    "|发送时间|日期|送信日時|日時|보낸 날짜|날짜"
)
"""The label behind it that says when."""
