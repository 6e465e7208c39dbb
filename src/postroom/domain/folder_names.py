"""Names of the folders that every account has from the start, in the languages an account may have.

A folder keeps the name it was made with, whatever becomes of the account's language later. Programs go by the role
of a folder, never by its name. Languages that are not listed have English names.
"""

import unicodedata
from types import MappingProxyType

from postroom.model.folder import DEFAULT_FOLDERS

# fmt: off
_NAMES = {
    # inbox, drafts, sent, trash, spam, scheduled, contacts, collected addresses, calendar, tasks, notes
    "ar": ("البريد الوارد", "المسودات", "البريد المرسل", "المهملات", "البريد غير الهام", "المجدولة",
           "جهات الاتصال", "العناوين المجمعة", "التقويم", "المهام", "الملاحظات"),
    "bg": ("Входящи", "Чернови", "Изпратени", "Кошче", "Спам", "Насрочени", "Контакти", "Събрани адреси",
           "Календар", "Задачи", "Бележки"),
    "ca": ("Safata d'entrada", "Esborranys", "Enviats", "Paperera", "Correu brossa", "Programats",
           "Contactes", "Adreces recollides", "Calendari", "Tasques", "Notes"),
    "cs": ("Doručená pošta", "Koncepty", "Odeslaná pošta", "Koš", "Spam", "Naplánované", "Kontakty",
           "Sebrané adresy", "Kalendář", "Úkoly", "Poznámky"),
    "da": ("Indbakke", "Kladder", "Sendt post", "Papirkurv", "Spam", "Planlagt", "Kontakter",
           "Indsamlede adresser", "Kalender", "Opgaver", "Noter"),
    "de": ("Posteingang", "Entwürfe", "Gesendet", "Papierkorb", "Spam", "Geplant", "Kontakte",
           "Gesammelte Adressen", "Kalender", "Aufgaben", "Notizen"),
    "el": ("Εισερχόμενα", "Πρόχειρα", "Απεσταλμένα", "Κάδος απορριμμάτων", "Ανεπιθύμητα", "Προγραμματισμένα",
           "Επαφές", "Συλλεγμένες διευθύνσεις", "Ημερολόγιο", "Εργασίες", "Σημειώσεις"),
    "en": ("Inbox", "Drafts", "Sent", "Trash", "Spam", "Scheduled", "Contacts", "Collected Addresses",
           "Calendar", "Tasks", "Notes"),
    "es": ("Bandeja de entrada", "Borradores", "Enviados", "Papelera", "Correo no deseado", "Programados",
           "Contactos", "Direcciones recopiladas", "Calendario", "Tareas", "Notas"),
    "et": ("Sisendkaust", "Mustandid", "Saadetud", "Prügikast", "Rämpspost", "Ajastatud", "Kontaktid",
           "Kogutud aadressid", "Kalender", "Ülesanded", "Märkmed"),
    "fi": ("Saapuneet", "Luonnokset", "Lähetetyt", "Roskakori", "Roskaposti", "Ajastetut", "Yhteystiedot",
           "Kerätyt osoitteet", "Kalenteri", "Tehtävät", "Muistiinpanot"),
    "fr": ("Boîte de réception", "Brouillons", "Messages envoyés", "Corbeille", "Courrier indésirable",
           "Programmés", "Contacts", "Adresses collectées", "Calendrier", "Tâches", "Notes"),
    "he": ("דואר נכנס", "טיוטות", "דואר שנשלח", "אשפה", "דואר זבל", "מתוזמנים", "אנשי קשר", "כתובות שנאספו",
           "לוח שנה", "משימות", "פתקים"),
    "hr": ("Ulazna pošta", "Skice", "Poslano", "Smeće", "Neželjena pošta", "Zakazano", "Kontakti",
           "Prikupljene adrese", "Kalendar", "Zadaci", "Bilješke"),
    "hu": ("Beérkezett üzenetek", "Piszkozatok", "Elküldött üzenetek", "Kuka", "Levélszemét", "Ütemezett",
           "Névjegyek", "Gyűjtött címek", "Naptár", "Feladatok", "Jegyzetek"),
    "id": ("Kotak Masuk", "Draf", "Terkirim", "Sampah", "Spam", "Terjadwal", "Kontak", "Alamat Terkumpul",
           "Kalender", "Tugas", "Catatan"),
    "it": ("Posta in arrivo", "Bozze", "Posta inviata", "Cestino", "Posta indesiderata", "Programmati",
           "Contatti", "Indirizzi raccolti", "Calendario", "Attività", "Note"),
    "ja": ("受信トレイ", "下書き", "送信済み", "ゴミ箱", "迷惑メール", "送信予約", "連絡先",
           "収集したアドレス", "カレンダー", "タスク", "メモ"),
    "ko": ("받은 편지함", "임시 보관함", "보낸 편지함", "휴지통", "스팸", "예약됨", "연락처", "수집된 주소",
           "캘린더", "작업", "메모"),
    "lt": ("Gautieji", "Juodraščiai", "Išsiųstieji", "Šiukšlinė", "Brukalas", "Suplanuoti", "Kontaktai",
           "Surinkti adresai", "Kalendorius", "Užduotys", "Užrašai"),
    "lv": ("Iesūtne", "Melnraksti", "Nosūtītie", "Atkritne", "Mēstules", "Ieplānotie", "Kontakti",
           "Savāktās adreses", "Kalendārs", "Uzdevumi", "Piezīmes"),
    "nl": ("Postvak IN", "Concepten", "Verzonden", "Prullenbak", "Ongewenst", "Gepland", "Contacten",
           "Verzamelde adressen", "Agenda", "Taken", "Notities"),
    "no": ("Innboks", "Utkast", "Sendt", "Papirkurv", "Søppelpost", "Planlagt", "Kontakter",
           "Innsamlede adresser", "Kalender", "Oppgaver", "Notater"),
    "pl": ("Odebrane", "Wersje robocze", "Wysłane", "Kosz", "Spam", "Zaplanowane", "Kontakty",
           "Zebrane adresy", "Kalendarz", "Zadania", "Notatki"),
    "pt": ("Caixa de entrada", "Rascunhos", "Enviados", "Lixo", "Spam", "Agendados", "Contactos",
           "Endereços recolhidos", "Calendário", "Tarefas", "Notas"),
    "ro": ("Mesaje primite", "Ciorne", "Trimise", "Coș de gunoi", "Spam", "Programate", "Contacte",
           "Adrese colectate", "Calendar", "Sarcini", "Note"),
    "ru": ("Входящие", "Черновики", "Отправленные", "Корзина", "Спам", "Запланированные", "Контакты",
           "Собранные адреса", "Календарь", "Задачи", "Заметки"),
    "sk": ("Doručená pošta", "Koncepty", "Odoslaná pošta", "Kôš", "Spam", "Naplánované", "Kontakty",
           "Zozbierané adresy", "Kalendár", "Úlohy", "Poznámky"),
    "sl": ("Prejeto", "Osnutki", "Poslano", "Koš", "Neželena pošta", "Načrtovano", "Stiki", "Zbrani naslovi",
           "Koledar", "Opravila", "Zapiski"),
    "sr": ("Примљено", "Нацрти", "Послато", "Смеће", "Непожељно", "Заказано", "Контакти", "Прикупљене адресе",
           "Календар", "Задаци", "Белешке"),
    "sv": ("Inkorgen", "Utkast", "Skickat", "Papperskorgen", "Skräppost", "Schemalagt", "Kontakter",
           "Insamlade adresser", "Kalender", "Uppgifter", "Anteckningar"),
    "th": ("กล่องจดหมายเข้า", "ร่างจดหมาย", "จดหมายที่ส่งแล้ว", "ถังขยะ", "จดหมายขยะ", "ตั้งเวลาส่ง",
           "รายชื่อติดต่อ", "ที่อยู่ที่รวบรวมไว้", "ปฏิทิน", "งาน", "บันทึก"),
    "tr": ("Gelen Kutusu", "Taslaklar", "Gönderilmiş", "Çöp Kutusu", "Gereksiz", "Zamanlanmış", "Kişiler",
           "Toplanan Adresler", "Takvim", "Görevler", "Notlar"),
    "uk": ("Вхідні", "Чернетки", "Надіслані", "Кошик", "Спам", "Заплановані", "Контакти", "Зібрані адреси",
           "Календар", "Завдання", "Нотатки"),
    "vi": ("Hộp thư đến", "Thư nháp", "Thư đã gửi", "Thùng rác", "Thư rác", "Đã lên lịch", "Danh bạ",
           "Địa chỉ đã thu thập", "Lịch", "Công việc", "Ghi chú"),
    "zh-cn": ("收件箱", "草稿", "已发送", "已删除", "垃圾邮件", "定时发送", "联系人", "收集的地址", "日历",
           "任务", "便笺"),
    "zh-tw": ("收件匣", "草稿", "寄件備份", "垃圾桶", "垃圾郵件", "排程傳送", "聯絡人", "收集的地址",
           "行事曆", "工作", "記事"),
}
# fmt: on

LISTED = frozenset(_NAMES)
"""Languages with names of their own."""


def get_folder_names(language: str) -> MappingProxyType[str, str]:
    """Return the names of the default folders by their keys (see ``model.folder.DEFAULT_FOLDERS``)."""
    names = _NAMES.get(language, _NAMES["en"])
    return MappingProxyType({spec.key: name for spec, name in zip(DEFAULT_FOLDERS, names, strict=True)})


def name_key(name: str) -> str:
    """Return what two folder names of the same parent may not share: the name without regard to case, in NFC."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
