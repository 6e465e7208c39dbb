"""Mails of the demonstration in other languages and scripts, some in the charsets of old mail programs."""

from collections.abc import Iterator
from typing import NamedTuple

from postroom.demo.letters import DAY, HOUR, Letter


class Note(NamedTuple):
    """A short mail in one language."""

    key: str
    name: str
    subject: str
    text: str
    charset: str = "utf-8"


_NOTES = (
    Note(
        "ja",
        "佐藤 美咲",
        "来週の打ち合わせについて",
        "ロビン様\n\nお世話になっております。\n来週火曜日の打ち合わせですが、午後三時からに変更できますでしょうか。\n"
        "資料は金曜日までにお送りします。\n\nよろしくお願いいたします。\n佐藤\n",
        "iso-2022-jp",
    ),
    Note(
        "ja-utf8",
        "田中 健太",
        "写真を送ります 📷",
        "先日はありがとうございました。\n庭の桜がきれいに咲きました。写真は後でまとめて送ります。\n\n田中\n",
    ),
    Note(
        "zh",
        "王芳",
        "关于报价单的几个问题",
        "您好，\n\n报价单已经收到，谢谢。还有两个问题：\n一、交货时间可以提前到五月吗？\n二、运费是否包含在内？\n\n此致\n王芳\n",
        "gb18030",
    ),
    Note(
        "zh-tw",
        "陳怡君",
        "週末的登山行程",
        "大家好：\n\n星期六早上七點在車站集合，請帶雨衣和午餐。\n\n怡君\n",
        "big5",
    ),
    Note(
        "ko",
        "김서연",
        "회의록을 보내 드립니다",
        "안녕하세요,\n\n어제 회의록을 첨부 대신 본문에 적습니다.\n"
        "다음 회의는 목요일 오전 열 시입니다.\n\n김서연 드림\n",
        "euc-kr",
    ),
    Note(
        "ar",
        "ليلى حداد",
        "دعوة إلى حفل الافتتاح",
        "السيد روبن المحترم،\n\nيسرنا أن ندعوكم إلى حفل افتتاح المكتبة يوم الخميس في الساعة السادسة مساءً.\n\n"
        "مع أطيب التحيات\nليلى\n",
    ),
    Note(
        "ar-1256",
        "سامي خوري",
        "موعد القطار",
        "مرحبا،\nالقطار يصل في الساعة 9:40 إلى الرصيف 3.\nسامي\n",
        "windows-1256",
    ),
    Note(
        "he",
        "נועה לוי",
        "תודה על העזרה",
        "שלום רובין,\n\nתודה רבה על העזרה בשבוע שעבר. הכול עובד עכשיו.\n\nנועה\n",
    ),
    Note(
        "hi",
        "अनिता शर्मा",
        "बैठक का समय बदल गया है",
        "नमस्ते,\n\nबुधवार की बैठक अब शाम चार बजे होगी। कृपया रिपोर्ट साथ लाएँ।\n\nधन्यवाद\nअनिता\n",
    ),
    Note(
        "el",
        "Γιώργος Παππάς",
        "Οι φωτογραφίες από το νησί",
        "Καλημέρα Robin,\n\nοι φωτογραφίες είναι έτοιμες. Να τις στείλω εδώ ή να τις "
        "βάλω στον κοινό φάκελο;\n\nΓιώργος\n",
        "iso-8859-7",
    ),
    Note(
        "ru",
        "Анна Волкова",
        "Отчёт за первый квартал",
        "Здравствуйте!\n\nОтчёт за первый квартал готов. Посмотрите, пожалуйста, таблицу на третьей странице: мне "
        "кажется, там ошибка в сумме.\n\nС уважением,\nАнна\n",
        "koi8-r",
    ),
    Note(
        "uk",
        "Оксана Гриценко",
        "Квитки на концерт",
        "Привіт!\n\nЄ ще два квитки на суботу, ґанок праворуч від входу. Підеш з нами?\n\nОксана\n",
    ),
    Note("bg", "Ива Стоянова", "Снимки от Пловдив", "Здравей, снимките са в папката. Ива\n", "windows-1251"),
    Note("th", "สมชาย ใจดี", "ตารางเดินทาง", "สวัสดีครับ\n\nรถไฟออกเวลาแปดโมงเช้า พบกันที่สถานีครับ\n\nสมชาย\n"),
    Note(
        "vi",
        "Nguyễn Thu Hà",
        "Bản dịch đã xong",
        "Chào anh Robin,\n\nbản dịch chương sáu đã xong. Nhờ anh xem lại phần ghi chú.\n\nThu Hà\n",
    ),
    Note(
        "tr",
        "Çağla Öztürk",
        "Toplantı notları",
        "Merhaba,\n\nçarşamba günkü toplantının notları aşağıda. Işıklar perşembe değişecek.\n\nÇağla\n",
        "iso-8859-9",
    ),
    Note(
        "pl",
        "Łukasz Dąbrowski",
        "Zażółć gęślą jaźń",
        "Cześć,\n\nto zdanie zawiera wszystkie polskie litery. Czy widzisz je poprawnie?\n\nŁukasz\n",
        "iso-8859-2",
    ),
    Note(
        "cs",
        "Jiří Dvořák",
        "Příliš žluťoučký kůň",
        "Ahoj,\n\nposílám zkoušku češtiny: příliš žluťoučký kůň úpěl ďábelské ódy.\n\nJiří\n",
        "windows-1250",
    ),
    Note("ka", "ნინო", "გამარჯობა", "გამარჯობა რობინ! როგორ ხარ? შაბათს ჩამოვალ.\n\nნინო\n"),
    Note(
        "emoji",
        "Noor 🌻",
        "🎉🎂 Saturday! 🎈",
        "Party on Saturday at 19:00 🎶🥳\n\nBring: 🪑 (one), 🥗 or 🍰\nDo not bring: 🎁\n\n"
        "👩‍👩‍👧‍👦 children are welcome 🏳️‍🌈\n",
    ),
)


def iter_scripts() -> Iterator[Letter]:
    """Yield the mails in other scripts; the first two are unread."""
    for number, note in enumerate(_NOTES):
        yield Letter(
            key=f"script-{note.key}",
            sender=(note.name, f"{note.key}@letters.example"),
            subject=note.subject,
            age_seconds=number * 2.6 * DAY + 4 * HOUR,
            text=note.text,
            charset=note.charset,
            unread=number < 2,
            flagged=note.key == "hi",
        )
