"""A mailbox in many languages, and a plain way to say which of its mails match: by looking at each.

The oracle knows nothing of the splitter, of the index or of the query tree: it folds text in the simplest way, takes
words to be what stands between spaces and punctuation, and scripts without spaces to be searched as text.
"""

import random
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage

from tests.fixtures.factories import Owner

from postroom.domain.filing import Flags, locate_mail, set_label
from postroom.model.ids import FolderId, ItemId, LabelId
from postroom.search.query import Criterion, Value

LANGUAGES = {
    "en": "meeting mail order invoice the report mailbox orders meet garden house question answer reporter",
    "de": "Größe Straße Rechnung Übung Mädchen schön Fußball Rechnungen Grüße über Strasse Haus",
    "fr": "élève déjà façade Noël où garçon façon école naïve élèves été hôtel",
    "pl": "Łódź zażółć gęślą jaźń źródło Łodzi ćma śnieg łosoś żaba kość noc",
    "tr": "İstanbul ışık güneş şehir çocuk ılık İzmir öğrenci ağaç çiçek güzel şeker",
    "vi": "tiếng Việt người những bạn tốt đường phố nhà nước trường học",
    "ru": "привет счёт письмо встреча ёлка письма заказ отчёт Москва съезд йод объект",
    "el": "καλημέρα Οδυσσέας λογαριασμός συνάντηση ερώτηση απάντηση σπίτι κήπος ΟΔΟΣ οδός δρόμος έργο",
    "ar": "مُحَمَّد رسالة اجتماع فاتورة سؤال جواب محمد بيت كتاب مدينة شارع سلام",
    "he": "שָׁלוֹם עולם חשבון פגישה שאלה תשובה בית שלום רחוב ספר עיר מכתב",
    "hi": "नमस्ते दुनिया हिन्दी पत्र बैठक सवाल जवाब घर किताब शहर सड़क हिन्द",
    "th": "ประเทศไทย สวัสดี จดหมาย ประชุม คำถาม คำตอบ บ้าน หนังสือ เมือง ถนน รายงาน ใบแจ้งหนี้",
    "zh": "会议 邮件 发票 报告 问题 回答 花园 房子 城市 街道 学校 老师",
    "ja": "会議 メール 請求書 レポート 質問 答え 庭 家族 都市 カタカナ 学校 先生",
    "ko": "회의 메일 청구서 보고서 질문 대답 정원 가족 도시 거리 학교 선생님",
}
UNSPACED = {"th", "zh", "ja"}
TEXTS = ("from", "to", "cc", "subject", "body", "attachment")
ANY = (*TEXTS, "other")
DAY = 86_400
START = int(datetime(2025, 3, 1, tzinfo=UTC).timestamp())
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f]")
_LETTERS = str.maketrans({"ł": "l", "đ": "d", "ı": "i"})
_BETWEEN = re.compile(r"[\s!-/:-@\[-`{-~]+")
_PAIRED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff]")


def fold(text: str) -> str:
    """Return a text without case and accents."""
    folded = _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).casefold()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", folded))).translate(
        _LETTERS
    )


def has_words(text: str, words: str, *, is_beginning: bool) -> bool:
    """Tell whether words stand in a text one behind the other, the last as a beginning."""
    text, words = fold(text), fold(words)
    if _PAIRED.search(words):
        return words in text
    wanted, found = _BETWEEN.split(words), _BETWEEN.split(text)
    *whole, last = wanted
    for start in range(len(found) - len(whole)):
        end = found[start + len(whole)]
        if found[start : start + len(whole)] == whole and (
            end.startswith(last) if is_beginning else end == last
        ):
            return True
    return False


@dataclass
class Letter:
    """A mail as the oracle knows it."""

    item_id: ItemId
    folder_id: FolderId
    date: int
    size: int
    texts: dict[str, str]
    flags: Flags
    importance: int
    labels: set[int] = field(default_factory=set)

    def matches(self, criterion: Criterion) -> bool:
        """Tell whether one criterion holds, negated or not."""
        return self._holds(criterion) != criterion.negate

    def _holds(self, criterion: Criterion) -> bool:
        name, value = criterion.field, criterion.value
        if name in (*TEXTS, "anyfield"):
            assert isinstance(value, str)
            return self._has_text(name, value)
        if name in ("before", "after"):
            day = int(datetime.strptime(str(value), "%d-%m-%Y").replace(tzinfo=UTC).timestamp())
            return self.date < day if name == "before" else self.date >= day + DAY
        if name in ("smaller", "larger"):
            assert isinstance(value, int)
            return self.size < value if name == "smaller" else self.size > value
        if name == "label":
            return int(str(value)) in self.labels
        if name == "importance":
            return ("low", "normal", "high")[self.importance] == value
        return {
            "unread": self.flags.is_unread,
            "flag": self.flags.is_flagged and value == "followup",
            "hasatt": bool(self.texts["attachment"]),
            "replied": bool(self.flags.refw & 1),
            "forwarded": bool(self.flags.refw & 2),
            "refw": self.flags.refw == 3,
        }[name]

    def _has_text(self, name: str, value: str) -> bool:
        fields = ANY if name == "anyfield" else (name,)
        for quoted, star, bare in re.findall(r'"([^"]*)"(\*?)|(\S+)', value):
            is_beginning = bool(bare or star)
            if not any(
                has_words(self.texts.get(one, ""), quoted or bare.rstrip("*"), is_beginning=is_beginning)
                for one in fields
            ):
                return False
        return True


class SearchWorld:
    """An account with mails in many languages."""

    def __init__(self, owner: Owner, seed: int) -> None:
        self.owner = owner
        self.chance = random.Random(seed)  # noqa: S311
        self.letters: list[Letter] = []

    def write(self, number: int) -> tuple[bytes, dict[str, str], int]:
        """Return a message, its texts, and its importance."""
        chance = self.chance
        language = chance.choice(list(LANGUAGES))
        words = LANGUAGES[language].split()
        between = "" if language in UNSPACED else chance.choice((" ", " ", ", ", "-"))

        def some(low: int, high: int) -> str:
            return between.join(chance.choices(words, k=chance.randint(low, high)))

        message = EmailMessage()
        texts = {
            "from": f"{chance.choice(words)} {chance.choice(words)} <user{chance.randrange(9)}@mail.example.org>",
            "to": f"{chance.choice(('anna', 'anna.berg', 'ann'))}@example.test",
            "cc": f"list-{chance.randrange(4)}@lists.example.net" if chance.random() < 0.3 else "",
            "subject": some(1, 4),
            "body": f"{some(3, 30)}\n{some(3, 10)} number{number}",
            "attachment": "",
            "other": "",
        }
        for name in ("from", "to", "cc", "subject"):
            if texts[name]:
                message[name.capitalize()] = texts[name]
        importance = chance.choice((0, 1, 1, 2))
        if importance != 1:
            message["Importance"] = ("low", "", "high")[importance]
        message["Message-ID"] = f"<{number}@example.org>"
        message.set_content(texts["body"], charset="utf-8", cte="base64")
        kind = chance.random()
        if kind < 0.2:
            texts["attachment"] = f"{some(1, 2)}-{number}.bin"
            message.add_attachment(b"\x00" * chance.randrange(5000), "application", "octet-stream",
                                   filename=texts["attachment"])  # fmt: skip
        elif kind < 0.3:
            inner = EmailMessage()
            inner["Subject"] = some(1, 3)
            inner.set_content(some(2, 6), charset="utf-8", cte="base64")
            message.add_attachment(inner, filename=f"letter{number}.eml")
            texts["attachment"] = f"letter{number}.eml"
            texts["other"] = f"{inner['Subject']}\n{inner.get_content()}"
        return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), texts, importance

    async def fill(self, count: int, folders: list[FolderId], labels: list[LabelId]) -> None:
        """File mails of all kinds."""
        chance = self.chance
        for number in range(count):
            raw, texts, importance = self.write(number)
            flags = Flags(
                is_unread=chance.random() < 0.5,
                is_flagged=chance.random() < 0.2,
                refw=chance.choice((0, 0, 0, 1, 2, 3)),
            )
            folder_id = chance.choice(folders)
            date = START + chance.randrange(30 * DAY)
            ref = await self.owner.add_mail(raw, folder_id=folder_id, date=date, flags=flags)
            async with self.owner.store.transaction(self.owner.account_id) as tx:
                located = await locate_mail(tx, ref.folder, ref.uid)
                assert located is not None
                mail = located.mail
                letter = Letter(mail.item_id, folder_id, date, mail.size, texts, flags, importance)
                for label_id in labels:
                    if chance.random() < 0.2:
                        [located] = (await tx.mails.locate_items([mail.item_id])).values()
                        await set_label(tx, [located], label_id, is_on=True)
                        letter.labels.add(label_id)
            self.letters.append(letter)

    def expect(self, criteria: list[Criterion], folders: list[FolderId]) -> list[ItemId]:
        """Return what the oracle finds, newest first."""
        found = [
            letter
            for letter in self.letters
            if letter.folder_id in folders and all(letter.matches(one) for one in criteria)
        ]
        return [
            letter.item_id for letter in sorted(found, key=lambda one: (one.date, one.item_id), reverse=True)
        ]

    def ask(self, labels: list[LabelId]) -> Criterion:
        """Return some criterion."""
        chance = self.chance
        negate = chance.random() < 0.25
        letter = chance.choice(self.letters)
        kind = chance.random()
        if kind < 0.6:
            name = chance.choice((*TEXTS, "subject", "body", "body", "anyfield", "anyfield"))
            return Criterion(name, self._ask_text(letter, name), negate)
        day = datetime.fromtimestamp(letter.date, UTC).strftime("%d-%m-%Y")
        choices: list[tuple[str, Value]] = [
            (chance.choice(("before", "after")), day),
            (chance.choice(("smaller", "larger")), letter.size),
            (chance.choice(("unread", "hasatt", "replied", "forwarded", "refw")), None),
            ("flag", chance.choice(("followup", "followup", "completed"))),
            ("importance", chance.choice(("low", "normal", "high"))),
            ("label", str(chance.choice(labels))),
        ]
        name, value = chance.choice(choices)
        return Criterion(name, value, negate)

    def _ask_text(self, letter: Letter, name: str) -> str:
        chance = self.chance
        source = letter.texts[chance.choice(ANY) if name == "anyfield" else name] or "nothing at all"
        words = [word for word in _BETWEEN.split(source) if word] or ["none"]
        start = chance.randrange(len(words))
        word = words[start]
        if _PAIRED.search(word):
            begin = chance.randrange(max(1, len(word) - 3))
            part = word[begin : begin + chance.randint(2, 5)]
            return chance.choice((part, f'"{part}"')) if len(part) > 1 else "会議"
        some = " ".join(words[start : start + chance.randint(1, 3)])
        if _PAIRED.search(some):
            some = word
        cut = word[: chance.randint(1, len(word))]
        return chance.choice(
            (word, word.upper(), cut, f"{cut}*", f'"{some}"', f'"{some}"*', f"{word} {words[0]}")
        )
