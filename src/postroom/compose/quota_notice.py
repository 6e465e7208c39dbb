"""The notice that a mailbox is almost full, in the languages of accounts; others get it in English."""

from types import MappingProxyType
from typing import Final, NamedTuple

from postroom.compose.addresses import Address
from postroom.compose.postmaster import PostmasterMail, compose_filed_mail

_UNITS: Final = ("KB", "MB", "GB", "TB")
_STEP: Final = 1024


class _Text(NamedTuple):
    subject: str
    full: str
    advice: str


# fmt: off
_TEXTS = MappingProxyType({
    "ar": _Text("صندوق بريدك ممتلئ تقريبًا", "صندوق البريد {address} ممتلئ بنسبة {percent}%.",
                "عندما يمتلئ، ستُرفض الرسائل الجديدة. احذف ما لم تعد بحاجة إليه وأفرغ المهملات."),
    "bg": _Text("Пощенската ви кутия е почти пълна", "Пощенската кутия {address} е пълна на {percent}%.",
                "Когато се напълни, новите писма ще бъдат отказвани. Изтрийте ненужното и изпразнете кошчето."),
    "ca": _Text("La vostra bústia és gairebé plena", "La bústia {address} és plena al {percent}%.",
                "Quan sigui plena, es rebutjarà el correu nou. Suprimiu el que no necessiteu i buideu la paperera."),
    "cs": _Text("Vaše schránka je téměř plná", "Schránka {address} je zaplněna z {percent} %.",
                "Až bude plná, nová pošta bude odmítána. Smažte, co už nepotřebujete, a vysypte koš."),
    "da": _Text("Din postkasse er næsten fuld", "Postkassen {address} er {percent} % fuld.",
                "Når den er fuld, afvises ny post. Slet det, du ikke længere har brug for, og tøm papirkurven."),
    "de": _Text("Ihr Postfach ist fast voll", "Das Postfach {address} ist zu {percent} % voll.",
                "Ist es voll, wird neue Post abgewiesen. Löschen Sie, was Sie nicht mehr brauchen, und leeren Sie "
                "den Papierkorb."),
    "el": _Text("Το γραμματοκιβώτιό σας είναι σχεδόν πλήρες",
                "Το γραμματοκιβώτιο {address} είναι πλήρες κατά {percent}%.",
                "Όταν γεμίσει, τα νέα μηνύματα θα απορρίπτονται. Διαγράψτε ό,τι δεν χρειάζεστε και αδειάστε τον "
                "κάδο απορριμμάτων."),
    "en": _Text("Your mailbox is almost full", "The mailbox {address} is {percent}% full.",
                "When it is full, new mail is refused. Delete what you no longer need, and empty the Trash."),
    "es": _Text("Su buzón está casi lleno", "El buzón {address} está lleno al {percent} %.",
                "Cuando esté lleno, se rechazará el correo nuevo. Elimine lo que no necesite y vacíe la papelera."),
    "et": _Text("Teie postkast on peaaegu täis", "Postkast {address} on {percent}% ulatuses täis.",
                "Kui see on täis, lükatakse uued kirjad tagasi. Kustutage mittevajalik ja tühjendage prügikast."),
    "fi": _Text("Postilaatikkosi on lähes täynnä", "Postilaatikosta {address} on käytössä {percent} %.",
                "Kun se on täynnä, uudet viestit hylätään. Poista tarpeettomat viestit ja tyhjennä roskakori."),
    "fr": _Text("Votre boîte aux lettres est presque pleine",
                "La boîte aux lettres {address} est pleine à {percent} %.",
                "Lorsqu'elle sera pleine, les nouveaux messages seront refusés. Supprimez ce dont vous n'avez plus "
                "besoin et videz la corbeille."),
    "he": _Text("תיבת הדואר שלך כמעט מלאה", "תיבת הדואר {address} מלאה ב-{percent}%.",
                "כשתתמלא, דואר חדש יידחה. מחקו את מה שאינו נחוץ עוד ורוקנו את האשפה."),
    "hr": _Text("Vaš poštanski sandučić gotovo je pun", "Poštanski sandučić {address} pun je {percent} %.",
                "Kada se napuni, nova pošta bit će odbijena. Izbrišite što vam više ne treba i ispraznite smeće."),
    "hu": _Text("A postafiókja majdnem megtelt", "A(z) {address} postafiók {percent}%-ban megtelt.",
                "Ha megtelik, az új levelek visszautasításra kerülnek. Törölje, amire már nincs szüksége, és ürítse "
                "ki a kukát."),
    "id": _Text("Kotak surat Anda hampir penuh", "Kotak surat {address} terisi {percent}%.",
                "Bila penuh, surat baru akan ditolak. Hapus yang tidak lagi diperlukan, dan kosongkan Sampah."),
    "it": _Text("La casella di posta è quasi piena", "La casella {address} è piena al {percent}%.",
                "Quando sarà piena, la nuova posta verrà rifiutata. Elimina ciò che non serve e svuota il cestino."),
    "ja": _Text("メールボックスの容量が残りわずかです", "メールボックス {address} は {percent}% 使用されています。",
                "いっぱいになると新しいメールは受信できません。不要なメールを削除し、ゴミ箱を空にしてください。"),
    "ko": _Text("편지함이 거의 가득 찼습니다", "{address} 편지함의 {percent}%가 사용되었습니다.",
                "가득 차면 새 메일이 거부됩니다. 필요 없는 메일을 삭제하고 휴지통을 비우십시오."),
    "nl": _Text("Uw postvak is bijna vol", "Het postvak {address} is voor {percent}% vol.",
                "Als het vol is, wordt nieuwe post geweigerd. Verwijder wat u niet meer nodig hebt en leeg de "
                "prullenbak."),
    "no": _Text("Postkassen din er nesten full", "Postkassen {address} er {percent} % full.",
                "Når den er full, avvises ny post. Slett det du ikke lenger trenger, og tøm papirkurven."),
    "pl": _Text("Skrzynka pocztowa jest prawie pełna", "Skrzynka {address} jest zapełniona w {percent}%.",
                "Gdy się zapełni, nowa poczta będzie odrzucana. Usuń to, czego nie potrzebujesz, i opróżnij kosz."),
    "pt": _Text("A sua caixa de correio está quase cheia", "A caixa de correio {address} está {percent}% cheia.",
                "Quando estiver cheia, o correio novo será recusado. Elimine o que já não precisa e esvazie o lixo."),
    "ro": _Text("Căsuța dvs. poștală este aproape plină", "Căsuța poștală {address} este plină în proporție de "
                "{percent}%.",
                "Când va fi plină, mesajele noi vor fi respinse. Ștergeți ce nu mai este necesar și goliți coșul de "
                "gunoi."),
    "ru": _Text("Ваш почтовый ящик почти заполнен", "Почтовый ящик {address} заполнен на {percent}%.",
                "Когда он заполнится, новые письма будут отклоняться. Удалите ненужное и очистите корзину."),
    "sk": _Text("Vaša schránka je takmer plná", "Schránka {address} je zaplnená na {percent} %.",
                "Keď bude plná, nová pošta bude odmietaná. Odstráňte, čo už nepotrebujete, a vysypte kôš."),
    "sv": _Text("Din brevlåda är nästan full", "Brevlådan {address} är full till {percent} %.",
                "När den är full avvisas ny post. Ta bort det du inte längre behöver och töm papperskorgen."),
    "tr": _Text("Posta kutunuz neredeyse dolu", "{address} posta kutusu %{percent} dolu.",
                "Dolduğunda yeni postalar reddedilir. Artık gerekmeyenleri silin ve çöp kutusunu boşaltın."),
    "uk": _Text("Вашу поштову скриньку майже заповнено", "Поштову скриньку {address} заповнено на {percent}%.",
                "Коли вона заповниться, нові листи відхилятимуться. Видаліть непотрібне й очистьте кошик."),
    "vi": _Text("Hộp thư của bạn sắp đầy", "Hộp thư {address} đã đầy {percent}%.",
                "Khi đầy, thư mới sẽ bị từ chối. Hãy xóa những gì không còn cần và dọn sạch thùng rác."),
    "zh-cn": _Text("您的邮箱即将用满", "邮箱 {address} 已使用 {percent}%。",
                   "用满后，新邮件将被拒收。请删除不再需要的邮件并清空回收站。"),
    "zh-tw": _Text("您的信箱即將用滿", "信箱 {address} 已使用 {percent}%。",
                   "用滿後，新郵件將被拒收。請刪除不再需要的郵件並清空垃圾桶。"),
})
# fmt: on
LANGUAGES: Final = frozenset(_TEXTS)
"""The languages that it is written in."""


class Usage(NamedTuple):
    """What a mailbox holds, and the most that it may: 0 is no limit."""

    messages: int
    most_messages: int
    size_bytes: int
    most_bytes: int

    @property
    def percent(self) -> int:
        """How full it is, by what it has less left of."""
        parts = [(self.messages, self.most_messages), (self.size_bytes, self.most_bytes)]
        return max((used * 100 // most for used, most in parts if most), default=0)


class QuotaNotice(NamedTuple):
    """What a notice is made of; ``date`` in Unix seconds, the id with its angle brackets."""

    to: Address
    language: str
    usage: Usage
    message_id: str
    date: int


def compose_quota_notice(notice: QuotaNotice) -> bytes:
    """Return a notice as a message, to be filed."""
    language = notice.language if notice.language in _TEXTS else "en"
    text = _TEXTS[language]
    full = text.full.format(address=notice.to.addr_spec, percent=notice.usage.percent)
    figures = "".join(f"{line}\n" for line in _figures(notice.usage))
    mail = PostmasterMail(
        to=notice.to,
        domain=notice.to.domain,
        language=language,
        subject=text.subject,
        text=f"{full}\n\n{figures}\n{text.advice}\n",
        message_id=notice.message_id,
        date=notice.date,
    )
    return compose_filed_mail(mail)


def _figures(usage: Usage) -> list[str]:
    """Return the figures, in a form that needs no words."""
    lines = []
    if usage.most_bytes:
        lines.append(f"{render_size(usage.size_bytes)} / {render_size(usage.most_bytes)}")
    if usage.most_messages:
        lines.append(f"{usage.messages} / {usage.most_messages} ✉")
    return lines


def render_size(size_bytes: int) -> str:
    """Return a size as people read it."""
    size, unit = size_bytes / _STEP, 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{size:.1f} {_UNITS[unit]}"
