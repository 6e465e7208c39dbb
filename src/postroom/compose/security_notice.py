"""The notice of what happened to the security of an account, in the languages of accounts; others get it in English.

It holds nothing that somebody could have written into it: times, source addresses, and texts of its own. There is no
link in it either: notices with links are what people are deceived by.
"""

import datetime
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from postroom.compose.addresses import Address
from postroom.compose.postmaster import PostmasterMail, compose_filed_mail

_KINDS: Final = (
    "loginFromNewAddress",
    "manyFailedLogins",
    "passwordChanged",
    "methodAdded",
    "methodRemoved",
    "twoFactorEnabled",
    "twoFactorDisabled",
    "recoveryUsed",
    "appPasswordMade",
)


class _Text(NamedTuple):
    subject: str
    happened: str
    advice: str
    kinds: tuple[str, str, str, str, str, str, str, str, str]
    """In the order of :data:`_KINDS`."""


# fmt: off
_TEXTS = MappingProxyType({
    "ar": _Text("أمان حسابك", "حدث ما يلي في الحساب {address}:",
                "إذا لم تكن أنت من فعل ذلك، فغيّر كلمة المرور فورًا وأخبر المسؤول.",
                ("تسجيل دخول من عنوان جديد", "محاولات دخول فاشلة كثيرة", "تغيير كلمة المرور", "إضافة وسيلة أمان",
                 "إزالة وسيلة أمان", "تفعيل التحقق بخطوتين", "إيقاف التحقق بخطوتين", "استخدام استعادة الحساب",
                 "إنشاء كلمة مرور لتطبيق")),
    "bg": _Text("Сигурността на вашия акаунт", "В акаунта {address} се случи следното:",
                "Ако не сте били вие, сменете паролата веднага и уведомете администратора.",
                ("Влизане от нов адрес", "Много неуспешни опити за влизане", "Паролата е сменена",
                 "Добавен метод за сигурност", "Премахнат метод за сигурност", "Включена проверка в две стъпки",
                 "Изключена проверка в две стъпки", "Използвано възстановяване на акаунта",
                 "Създадена парола за приложение")),
    "ca": _Text("La seguretat del vostre compte", "Al compte {address} ha passat això:",
                "Si no heu estat vós, canvieu la contrasenya de seguida i aviseu l'administrador.",
                ("Inici de sessió des d'una adreça nova", "Molts inicis de sessió fallits", "Contrasenya canviada",
                 "Mètode de seguretat afegit", "Mètode de seguretat eliminat", "Verificació en dos passos activada",
                 "Verificació en dos passos desactivada", "Recuperació del compte utilitzada",
                 "Contrasenya d'aplicació creada")),
    "cs": _Text("Zabezpečení vašeho účtu", "V účtu {address} se stalo toto:",
                "Pokud jste to nebyli vy, ihned změňte heslo a informujte správce.",
                ("Přihlášení z nové adresy", "Mnoho neúspěšných přihlášení", "Heslo změněno",
                 "Přidána metoda zabezpečení", "Odebrána metoda zabezpečení", "Zapnuto dvoufázové ověření",
                 "Vypnuto dvoufázové ověření", "Použito obnovení účtu", "Vytvořeno heslo pro aplikaci")),
    "da": _Text("Din kontos sikkerhed", "Dette er sket på kontoen {address}:",
                "Hvis det ikke var dig, så skift straks adgangskoden og kontakt administratoren.",
                ("Login fra en ny adresse", "Mange mislykkede login", "Adgangskoden er ændret",
                 "Sikkerhedsmetode tilføjet", "Sikkerhedsmetode fjernet", "Totrinsbekræftelse slået til",
                 "Totrinsbekræftelse slået fra", "Kontogendannelse brugt", "Appadgangskode oprettet")),
    "de": _Text("Sicherheit Ihres Kontos", "Das ist im Konto {address} geschehen:",
                "Waren Sie das nicht, ändern Sie sofort Ihr Passwort und verständigen Sie den Administrator.",
                ("Anmeldung von einer neuen Adresse", "Viele fehlgeschlagene Anmeldungen", "Passwort geändert",
                 "Sicherheitsmethode hinzugefügt", "Sicherheitsmethode entfernt",
                 "Anmeldung in zwei Schritten eingeschaltet", "Anmeldung in zwei Schritten ausgeschaltet",
                 "Wiederherstellung des Kontos benutzt", "App-Passwort erstellt")),
    "el": _Text("Η ασφάλεια του λογαριασμού σας", "Στον λογαριασμό {address} συνέβησαν τα εξής:",
                "Αν δεν ήσασταν εσείς, αλλάξτε αμέσως τον κωδικό και ενημερώστε τον διαχειριστή.",
                ("Σύνδεση από νέα διεύθυνση", "Πολλές αποτυχημένες συνδέσεις", "Ο κωδικός άλλαξε",
                 "Προστέθηκε μέθοδος ασφάλειας", "Αφαιρέθηκε μέθοδος ασφάλειας",
                 "Ενεργοποιήθηκε η επαλήθευση σε δύο βήματα", "Απενεργοποιήθηκε η επαλήθευση σε δύο βήματα",
                 "Έγινε ανάκτηση λογαριασμού", "Δημιουργήθηκε κωδικός εφαρμογής")),
    "en": _Text("The security of your account", "This happened to the account {address}:",
                "If it was not you, change your password at once and tell your administrator.",
                ("Login from a new address", "Many failed logins", "Password changed", "Security method added",
                 "Security method removed", "2-step verification turned on", "2-step verification turned off",
                 "Account recovery used", "App password made")),
    "es": _Text("La seguridad de su cuenta", "En la cuenta {address} ha ocurrido lo siguiente:",
                "Si no ha sido usted, cambie la contraseña de inmediato y avise al administrador.",
                ("Inicio de sesión desde una dirección nueva", "Muchos inicios de sesión fallidos",
                 "Contraseña cambiada", "Método de seguridad añadido", "Método de seguridad eliminado",
                 "Verificación en dos pasos activada", "Verificación en dos pasos desactivada",
                 "Recuperación de la cuenta utilizada", "Contraseña de aplicación creada")),
    "et": _Text("Teie konto turvalisus", "Kontol {address} juhtus järgmine:",
                "Kui see polnud teie, muutke kohe parool ja teavitage haldurit.",
                ("Sisselogimine uuelt aadressilt", "Palju ebaõnnestunud sisselogimisi", "Parool muudeti",
                 "Turvameetod lisati", "Turvameetod eemaldati", "Kaheastmeline kinnitamine lülitati sisse",
                 "Kaheastmeline kinnitamine lülitati välja", "Kasutati konto taastamist",
                 "Loodi rakenduse parool")),
    "fi": _Text("Tilisi turvallisuus", "Tilillä {address} tapahtui seuraavaa:",
                "Jos se et ollut sinä, vaihda salasana heti ja ilmoita ylläpitäjälle.",
                ("Kirjautuminen uudesta osoitteesta", "Monta epäonnistunutta kirjautumista", "Salasana vaihdettu",
                 "Suojausmenetelmä lisätty", "Suojausmenetelmä poistettu",
                 "Kaksivaiheinen vahvistus otettu käyttöön", "Kaksivaiheinen vahvistus poistettu käytöstä",
                 "Tilin palautusta käytetty", "Sovellussalasana luotu")),
    "fr": _Text("La sécurité de votre compte", "Voici ce qui s'est passé sur le compte {address} :",
                "Si ce n'était pas vous, changez immédiatement de mot de passe et prévenez l'administrateur.",
                ("Connexion depuis une nouvelle adresse", "Nombreuses connexions échouées", "Mot de passe modifié",
                 "Méthode de sécurité ajoutée", "Méthode de sécurité supprimée",
                 "Validation en deux étapes activée", "Validation en deux étapes désactivée",
                 "Récupération du compte utilisée", "Mot de passe d'application créé")),
    "he": _Text("אבטחת החשבון שלך", "בחשבון {address} אירע הדבר הבא:",
                "אם לא היית זה אתה, החלף מיד את הסיסמה והודע למנהל המערכת.",
                ("כניסה מכתובת חדשה", "כניסות כושלות רבות", "הסיסמה שונתה", "נוספה שיטת אבטחה", "הוסרה שיטת אבטחה",
                 "אימות דו-שלבי הופעל", "אימות דו-שלבי כובה", "נעשה שימוש בשחזור חשבון", "נוצרה סיסמת אפליקציה")),
    "hr": _Text("Sigurnost vašeg računa", "Na računu {address} dogodilo se sljedeće:",
                "Ako to niste bili vi, odmah promijenite lozinku i obavijestite administratora.",
                ("Prijava s nove adrese", "Mnogo neuspjelih prijava", "Lozinka promijenjena",
                 "Sigurnosna metoda dodana", "Sigurnosna metoda uklonjena", "Provjera u dva koraka uključena",
                 "Provjera u dva koraka isključena", "Korišten oporavak računa", "Izrađena lozinka za aplikaciju")),
    "hu": _Text("Fiókjának biztonsága", "A(z) {address} fiókban ez történt:",
                "Ha nem Ön volt, azonnal változtassa meg jelszavát, és értesítse a rendszergazdát.",
                ("Bejelentkezés új címről", "Sok sikertelen bejelentkezés", "A jelszó megváltozott",
                 "Biztonsági módszer hozzáadva", "Biztonsági módszer eltávolítva",
                 "Kétlépcsős ellenőrzés bekapcsolva", "Kétlépcsős ellenőrzés kikapcsolva",
                 "Fiók-helyreállítás történt", "Alkalmazásjelszó készült")),
    "id": _Text("Keamanan akun Anda", "Berikut yang terjadi pada akun {address}:",
                "Jika itu bukan Anda, segera ganti kata sandi dan beri tahu administrator.",
                ("Masuk dari alamat baru", "Banyak upaya masuk yang gagal", "Kata sandi diubah",
                 "Metode keamanan ditambahkan", "Metode keamanan dihapus", "Verifikasi dua langkah diaktifkan",
                 "Verifikasi dua langkah dinonaktifkan", "Pemulihan akun digunakan",
                 "Kata sandi aplikasi dibuat")),
    "it": _Text("La sicurezza del tuo account", "Nell'account {address} è successo questo:",
                "Se non sei stato tu, cambia subito la password e avvisa l'amministratore.",
                ("Accesso da un nuovo indirizzo", "Molti accessi non riusciti", "Password cambiata",
                 "Metodo di sicurezza aggiunto", "Metodo di sicurezza rimosso", "Verifica in due passaggi attivata",
                 "Verifica in due passaggi disattivata", "Recupero dell'account utilizzato",
                 "Password per app creata")),
    "ja": _Text("アカウントのセキュリティ", "アカウント {address} で次のことがありました。",
                "心当たりがない場合は、すぐにパスワードを変更し、管理者に知らせてください。",
                ("新しいアドレスからのログイン", "多数のログイン失敗", "パスワードの変更", "セキュリティ手段の追加",
                 "セキュリティ手段の削除", "2段階認証の有効化", "2段階認証の無効化", "アカウント復旧の使用",
                 "アプリパスワードの作成")),
    "ko": _Text("계정 보안", "{address} 계정에서 다음 일이 있었습니다.",
                "본인이 아니라면 즉시 비밀번호를 변경하고 관리자에게 알리십시오.",
                ("새 주소에서 로그인", "여러 번의 로그인 실패", "비밀번호 변경", "보안 수단 추가", "보안 수단 제거",
                 "2단계 인증 켜짐", "2단계 인증 꺼짐", "계정 복구 사용", "앱 비밀번호 생성")),
    "nl": _Text("De beveiliging van uw account", "Dit is er gebeurd met de account {address}:",
                "Was u dit niet, wijzig dan meteen uw wachtwoord en waarschuw de beheerder.",
                ("Aanmelding vanaf een nieuw adres", "Veel mislukte aanmeldingen", "Wachtwoord gewijzigd",
                 "Beveiligingsmethode toegevoegd", "Beveiligingsmethode verwijderd",
                 "Verificatie in twee stappen ingeschakeld", "Verificatie in twee stappen uitgeschakeld",
                 "Accountherstel gebruikt", "App-wachtwoord gemaakt")),
    "no": _Text("Sikkerheten til kontoen din", "Dette har skjedd med kontoen {address}:",
                "Hvis det ikke var deg, må du straks bytte passord og si fra til administratoren.",
                ("Innlogging fra en ny adresse", "Mange mislykkede innlogginger", "Passordet er endret",
                 "Sikkerhetsmetode lagt til", "Sikkerhetsmetode fjernet", "Totrinnsbekreftelse slått på",
                 "Totrinnsbekreftelse slått av", "Kontogjenoppretting brukt", "App-passord laget")),
    "pl": _Text("Bezpieczeństwo konta", "Na koncie {address} zdarzyło się to:",
                "Jeśli to nie Ty, natychmiast zmień hasło i powiadom administratora.",
                ("Logowanie z nowego adresu", "Wiele nieudanych logowań", "Hasło zmienione",
                 "Dodano metodę zabezpieczeń", "Usunięto metodę zabezpieczeń", "Włączono weryfikację dwuetapową",
                 "Wyłączono weryfikację dwuetapową", "Użyto odzyskiwania konta", "Utworzono hasło aplikacji")),
    "pt": _Text("A segurança da sua conta", "Aconteceu o seguinte na conta {address}:",
                "Se não foi você, mude já a palavra-passe e avise o administrador.",
                ("Início de sessão de um novo endereço", "Muitos inícios de sessão falhados",
                 "Palavra-passe alterada", "Método de segurança adicionado", "Método de segurança removido",
                 "Verificação em dois passos ativada", "Verificação em dois passos desativada",
                 "Recuperação da conta utilizada", "Palavra-passe de aplicação criada")),
    "ro": _Text("Securitatea contului dvs.", "În contul {address} s-au întâmplat următoarele:",
                "Dacă nu ați fost dvs., schimbați imediat parola și anunțați administratorul.",
                ("Autentificare de la o adresă nouă", "Multe autentificări eșuate", "Parolă schimbată",
                 "Metodă de securitate adăugată", "Metodă de securitate eliminată",
                 "Verificare în doi pași activată", "Verificare în doi pași dezactivată",
                 "Recuperarea contului folosită", "Parolă de aplicație creată")),
    "ru": _Text("Безопасность вашей учётной записи", "В учётной записи {address} произошло следующее:",
                "Если это были не вы, немедленно смените пароль и сообщите администратору.",
                ("Вход с нового адреса", "Много неудачных попыток входа", "Пароль изменён",
                 "Добавлен способ защиты", "Удалён способ защиты", "Включена двухэтапная проверка",
                 "Отключена двухэтапная проверка", "Использовано восстановление доступа",
                 "Создан пароль приложения")),
    "sk": _Text("Zabezpečenie vášho účtu", "V účte {address} sa stalo toto:",
                "Ak ste to neboli vy, ihneď zmeňte heslo a informujte správcu.",
                ("Prihlásenie z novej adresy", "Veľa neúspešných prihlásení", "Heslo zmenené",
                 "Pridaná metóda zabezpečenia", "Odstránená metóda zabezpečenia", "Zapnuté dvojfázové overenie",
                 "Vypnuté dvojfázové overenie", "Použité obnovenie účtu", "Vytvorené heslo pre aplikáciu")),
    "sv": _Text("Säkerheten för ditt konto", "Detta har hänt med kontot {address}:",
                "Om det inte var du, byt lösenord genast och meddela administratören.",
                ("Inloggning från en ny adress", "Många misslyckade inloggningar", "Lösenordet ändrat",
                 "Säkerhetsmetod tillagd", "Säkerhetsmetod borttagen", "Tvåstegsverifiering påslagen",
                 "Tvåstegsverifiering avslagen", "Kontoåterställning använd", "Applösenord skapat")),
    "tr": _Text("Hesabınızın güvenliği", "{address} hesabında şunlar oldu:",
                "Bunu siz yapmadıysanız parolanızı hemen değiştirin ve yöneticinize haber verin.",
                ("Yeni bir adresten oturum açıldı", "Çok sayıda başarısız oturum açma", "Parola değiştirildi",
                 "Güvenlik yöntemi eklendi", "Güvenlik yöntemi kaldırıldı", "İki adımlı doğrulama açıldı",
                 "İki adımlı doğrulama kapatıldı", "Hesap kurtarma kullanıldı", "Uygulama parolası oluşturuldu")),
    "uk": _Text("Безпека вашого облікового запису", "В обліковому записі {address} сталося таке:",
                "Якщо це були не ви, негайно змініть пароль і повідомте адміністратора.",
                ("Вхід з нової адреси", "Багато невдалих спроб входу", "Пароль змінено", "Додано спосіб захисту",
                 "Вилучено спосіб захисту", "Увімкнено двоетапну перевірку", "Вимкнено двоетапну перевірку",
                 "Використано відновлення доступу", "Створено пароль програми")),
    "vi": _Text("Bảo mật tài khoản của bạn", "Tài khoản {address} đã có những việc sau:",
                "Nếu không phải bạn, hãy đổi mật khẩu ngay và báo cho quản trị viên.",
                ("Đăng nhập từ địa chỉ mới", "Nhiều lần đăng nhập thất bại", "Đã đổi mật khẩu",
                 "Đã thêm phương thức bảo mật", "Đã gỡ phương thức bảo mật", "Đã bật xác minh hai bước",
                 "Đã tắt xác minh hai bước", "Đã dùng khôi phục tài khoản", "Đã tạo mật khẩu ứng dụng")),
    "zh-cn": _Text("您的帐户安全", "帐户 {address} 发生了以下情况：",
                   "如果不是您本人所为，请立即更改密码并通知管理员。",
                   ("从新地址登录", "多次登录失败", "密码已更改", "已添加安全方式", "已移除安全方式",
                    "已启用两步验证", "已停用两步验证", "已使用帐户恢复", "已创建应用密码")),
    "zh-tw": _Text("您的帳戶安全", "帳戶 {address} 發生了以下情況：",
                   "如果不是您本人所為，請立即變更密碼並通知管理員。",
                   ("從新位址登入", "多次登入失敗", "密碼已變更", "已新增安全方式", "已移除安全方式",
                    "已啟用兩步驟驗證", "已停用兩步驟驗證", "已使用帳戶復原", "已建立應用程式密碼")),
})
# fmt: on
LANGUAGES: Final = frozenset(_TEXTS)
"""The languages that it is written in."""


class Happened(NamedTuple):
    """Something that happened: when (Unix seconds), what, and the address it was done from, "" for none."""

    date: int
    kind: str
    client: str


class SecurityNotice(NamedTuple):
    """What a notice is made of; ``date`` in Unix seconds, the id with its angle brackets."""

    to: Address
    language: str
    happened: Sequence[Happened]
    """The newest first."""
    more: int
    """How much more has happened before."""
    message_id: str
    date: int


def compose_security_notice(notice: SecurityNotice) -> bytes:
    """Return a notice as a message, to be filed."""
    language = notice.language if notice.language in _TEXTS else "en"
    text = _TEXTS[language]
    lines = [_render(text, one) for one in notice.happened]
    if notice.more:
        lines.append(f"+ {notice.more}")
    listed = "".join(f"{line}\n" for line in lines)
    mail = PostmasterMail(
        to=notice.to,
        domain=notice.to.domain,
        language=language,
        subject=text.subject,
        text=f"{text.happened.format(address=notice.to.addr_spec)}\n\n{listed}\n{text.advice}\n",
        message_id=notice.message_id,
        date=notice.date,
    )
    return compose_filed_mail(mail)


def _render(text: _Text, happened: Happened) -> str:
    when = datetime.datetime.fromtimestamp(happened.date, datetime.UTC)
    what = text.kinds[_KINDS.index(happened.kind)]
    where = f" ({happened.client})" if happened.client else ""
    return f"{when:%Y-%m-%d %H:%M} UTC: {what}{where}"
