"""What mails and text messages with codes say, in the languages of accounts; others get them in English.

Besides a code and the names of accounts nothing is put in: no link, and no text that anybody could choose.
"""

from types import MappingProxyType
from typing import Final, NamedTuple


class CodeTexts(NamedTuple):
    """The texts of a language, to be filled by ``str.format``."""

    language: str
    code_subject: str
    """With ``code``."""
    code: str
    """With ``code`` and ``address``."""
    code_advice: str
    recovery_subject: str
    recovery: str
    """With ``token`` and ``address``."""
    recovery_advice: str
    names_subject: str
    names: str


# fmt: off
_TEXTS = MappingProxyType({
    "ar": CodeTexts(
        "ar", "رمزك: {code}", "{code} هو رمزك للحساب {address}.",
        "يصلح لمدة 10 دقائق ولمرة واحدة. إن لم تطلبه فلا تخبر به أحدًا: هناك من يحاول استخدام حسابك.",
        "استعادة كلمة المرور", "رمز استعادة الحساب {address}: {token}",
        "يصلح لمدة 15 دقيقة ولمرة واحدة. إن لم تطلبه فلا تفعل شيئًا: من دونه لا يستطيع أحد تغيير كلمة مرورك.",
        "حساباتك", "طلب أحدهم، وربما أنت، أسماء حساباتك هنا:"),
    "bg": CodeTexts(
        "bg", "Вашият код: {code}", "{code} е вашият код за {address}.",
        "Валиден е 10 минути, еднократно. Ако не сте го искали, не го казвайте на никого: някой се опитва да "
        "използва профила ви.",
        "Възстановяване на паролата", "Кодът за възстановяване на {address} е: {token}",
        "Валиден е 15 минути, еднократно. Ако не сте го искали, не правете нищо: без него никой не може да смени "
        "паролата ви.",
        "Вашите профили", "Някой, вероятно вие, поиска имената на вашите профили тук:"),
    "ca": CodeTexts(
        "ca", "El vostre codi: {code}", "{code} és el vostre codi per a {address}.",
        "És vàlid durant 10 minuts, un sol cop. Si no l'heu demanat, no el digueu a ningú: algú intenta usar el "
        "vostre compte.",
        "Recuperació de la contrasenya", "El codi de recuperació de {address} és: {token}",
        "És vàlid durant 15 minuts, un sol cop. Si no l'heu demanat, no feu res: sense ell ningú no pot canviar la "
        "vostra contrasenya.",
        "Els vostres comptes", "Algú, probablement vós, ha demanat els noms dels vostres comptes aquí:"),
    "cs": CodeTexts(
        "cs", "Váš kód: {code}", "{code} je váš kód pro {address}.",
        "Platí 10 minut a jen jednou. Pokud jste o něj nežádali, nikomu ho nesdělujte: někdo se snaží použít váš "
        "účet.",
        "Obnovení hesla", "Kód pro obnovení účtu {address} je: {token}",
        "Platí 15 minut a jen jednou. Pokud jste o něj nežádali, nedělejte nic: bez něj vám heslo nikdo nezmění.",
        "Vaše účty", "Někdo, patrně vy, zde požádal o názvy vašich účtů:"),
    "da": CodeTexts(
        "da", "Din kode: {code}", "{code} er din kode til {address}.",
        "Den gælder i 10 minutter, én gang. Har du ikke bedt om den, så fortæl den ikke til nogen: nogen forsøger "
        "at bruge din konto.",
        "Gendannelse af din adgangskode", "Gendannelseskoden til {address} er: {token}",
        "Den gælder i 15 minutter, én gang. Har du ikke bedt om den, så gør ingenting: uden den kan ingen ændre din "
        "adgangskode.",
        "Dine konti", "Nogen, sandsynligvis dig, har bedt om navnene på dine konti her:"),
    "de": CodeTexts(
        "de", "Ihr Code: {code}", "{code} ist Ihr Code für {address}.",
        "Er gilt 10 Minuten lang, einmal. Haben Sie ihn nicht angefordert, sagen Sie ihn niemandem: Jemand "
        "versucht, Ihr Konto zu benutzen.",
        "Wiederherstellung Ihres Passworts", "Der Wiederherstellungscode für {address} lautet: {token}",
        "Er gilt 15 Minuten lang, einmal. Haben Sie ihn nicht angefordert, tun Sie nichts: Ohne ihn kann niemand "
        "Ihr Passwort ändern.",
        "Ihre Konten", "Jemand, vermutlich Sie selbst, hat nach den Namen Ihrer Konten hier gefragt:"),
    "el": CodeTexts(
        "el", "Ο κωδικός σας: {code}", "{code} είναι ο κωδικός σας για τον λογαριασμό {address}.",
        "Ισχύει για 10 λεπτά, μία φορά. Αν δεν τον ζητήσατε, μην τον πείτε σε κανέναν: κάποιος προσπαθεί να "
        "χρησιμοποιήσει τον λογαριασμό σας.",
        "Ανάκτηση του κωδικού πρόσβασης", "Ο κωδικός ανάκτησης του {address} είναι: {token}",
        "Ισχύει για 15 λεπτά, μία φορά. Αν δεν τον ζητήσατε, μην κάνετε τίποτα: χωρίς αυτόν κανείς δεν μπορεί να "
        "αλλάξει τον κωδικό πρόσβασής σας.",
        "Οι λογαριασμοί σας", "Κάποιος, πιθανότατα εσείς, ζήτησε τα ονόματα των λογαριασμών σας εδώ:"),
    "en": CodeTexts(
        "en", "Your code: {code}", "{code} is your code for {address}.",
        "It is good for 10 minutes, once. If you have not asked for it, tell it to nobody: somebody is trying to "
        "use your account.",
        "Recovery of your password", "The recovery code of {address} is: {token}",
        "It is good for 15 minutes, once. If you have not asked for it, do nothing: without it, nobody can change "
        "your password.",
        "Your accounts", "Somebody, probably you, has asked for the names of your accounts here:"),
    "es": CodeTexts(
        "es", "Su código: {code}", "{code} es su código para {address}.",
        "Es válido durante 10 minutos, una sola vez. Si no lo ha pedido, no se lo diga a nadie: alguien intenta "
        "usar su cuenta.",
        "Recuperación de su contraseña", "El código de recuperación de {address} es: {token}",
        "Es válido durante 15 minutos, una sola vez. Si no lo ha pedido, no haga nada: sin él nadie puede cambiar "
        "su contraseña.",
        "Sus cuentas", "Alguien, probablemente usted, ha pedido los nombres de sus cuentas aquí:"),
    "et": CodeTexts(
        "et", "Teie kood: {code}", "{code} on teie kood kontole {address}.",
        "See kehtib 10 minutit, ühe korra. Kui te seda ei küsinud, ärge öelge seda kellelegi: keegi püüab teie "
        "kontot kasutada.",
        "Parooli taastamine", "Konto {address} taastamiskood on: {token}",
        "See kehtib 15 minutit, ühe korra. Kui te seda ei küsinud, ärge tehke midagi: ilma selleta ei saa keegi "
        "teie parooli muuta.",
        "Teie kontod", "Keegi, tõenäoliselt teie, on küsinud teie siinsete kontode nimesid:"),
    "fi": CodeTexts(
        "fi", "Koodisi: {code}", "{code} on koodisi tilille {address}.",
        "Se on voimassa 10 minuuttia, yhden kerran. Jos et ole pyytänyt sitä, älä kerro sitä kenellekään: joku "
        "yrittää käyttää tiliäsi.",
        "Salasanan palautus", "Tilin {address} palautuskoodi on: {token}",
        "Se on voimassa 15 minuuttia, yhden kerran. Jos et ole pyytänyt sitä, älä tee mitään: ilman sitä kukaan ei "
        "voi vaihtaa salasanaasi.",
        "Tilisi", "Joku, luultavasti sinä, on pyytänyt täällä olevien tiliesi nimiä:"),
    "fr": CodeTexts(
        "fr", "Votre code : {code}", "{code} est votre code pour {address}.",
        "Il est valable 10 minutes, une seule fois. Si vous ne l'avez pas demandé, ne le communiquez à personne : "
        "quelqu'un essaie d'utiliser votre compte.",
        "Récupération de votre mot de passe", "Le code de récupération de {address} est : {token}",
        "Il est valable 15 minutes, une seule fois. Si vous ne l'avez pas demandé, ne faites rien : sans lui, "
        "personne ne peut changer votre mot de passe.",
        "Vos comptes", "Quelqu'un, probablement vous, a demandé les noms de vos comptes ici :"),
    "he": CodeTexts(
        "he", "הקוד שלך: {code}", "{code} הוא הקוד שלך עבור {address}.",
        "הוא תקף ל-10 דקות, לפעם אחת. אם לא ביקשת אותו, אל תגלה אותו לאיש: מישהו מנסה להשתמש בחשבונך.",
        "שחזור הסיסמה", "קוד השחזור של {address} הוא: {token}",
        "הוא תקף ל-15 דקות, לפעם אחת. אם לא ביקשת אותו, אל תעשה דבר: בלעדיו איש אינו יכול לשנות את סיסמתך.",
        "החשבונות שלך", "מישהו, כנראה אתה, ביקש את שמות החשבונות שלך כאן:"),
    "hr": CodeTexts(
        "hr", "Vaš kod: {code}", "{code} je vaš kod za {address}.",
        "Vrijedi 10 minuta, jednom. Ako ga niste tražili, nikome ga ne govorite: netko pokušava koristiti vaš "
        "račun.",
        "Oporavak lozinke", "Kod za oporavak računa {address} je: {token}",
        "Vrijedi 15 minuta, jednom. Ako ga niste tražili, ne činite ništa: bez njega nitko ne može promijeniti vašu "
        "lozinku.",
        "Vaši računi", "Netko, vjerojatno vi, zatražio je nazive vaših računa ovdje:"),
    "hu": CodeTexts(
        "hu", "A kódja: {code}", "{code} az Ön kódja ehhez: {address}.",
        "10 percig érvényes, egyszer. Ha nem Ön kérte, ne árulja el senkinek: valaki megpróbálja használni a "
        "fiókját.",
        "A jelszó helyreállítása", "A(z) {address} helyreállítási kódja: {token}",
        "15 percig érvényes, egyszer. Ha nem Ön kérte, ne tegyen semmit: enélkül senki nem változtathatja meg a "
        "jelszavát.",
        "Az Ön fiókjai", "Valaki, valószínűleg Ön, lekérte az itteni fiókjainak nevét:"),
    "id": CodeTexts(
        "id", "Kode Anda: {code}", "{code} adalah kode Anda untuk {address}.",
        "Berlaku 10 menit, satu kali. Jika Anda tidak memintanya, jangan beri tahu siapa pun: seseorang mencoba "
        "memakai akun Anda.",
        "Pemulihan kata sandi Anda", "Kode pemulihan {address} adalah: {token}",
        "Berlaku 15 menit, satu kali. Jika Anda tidak memintanya, jangan lakukan apa pun: tanpa kode ini tidak ada "
        "yang dapat mengubah kata sandi Anda.",
        "Akun Anda", "Seseorang, mungkin Anda, telah meminta nama akun Anda di sini:"),
    "it": CodeTexts(
        "it", "Il tuo codice: {code}", "{code} è il tuo codice per {address}.",
        "È valido per 10 minuti, una sola volta. Se non l'hai chiesto, non dirlo a nessuno: qualcuno sta cercando "
        "di usare il tuo account.",
        "Recupero della password", "Il codice di recupero di {address} è: {token}",
        "È valido per 15 minuti, una sola volta. Se non l'hai chiesto, non fare nulla: senza di esso nessuno può "
        "cambiare la tua password.",
        "I tuoi account", "Qualcuno, probabilmente tu, ha chiesto i nomi dei tuoi account qui:"),
    "ja": CodeTexts(
        "ja", "コード: {code}", "{code} は {address} のコードです。",
        "10分間、1回だけ有効です。心当たりがない場合は、誰にも教えないでください。何者かがあなたのアカウントを使おうとしています。",
        "パスワードの復旧", "{address} の復旧コード: {token}",
        "15分間、1回だけ有効です。心当たりがない場合は、何もしないでください。このコードがなければ、誰もパスワードを変更できません。",
        "あなたのアカウント", "どなたか(おそらくあなた)が、こちらのアカウント名を問い合わせました。"),
    "ko": CodeTexts(
        "ko", "코드: {code}", "{code}은(는) {address}의 코드입니다.",
        "10분 동안 한 번만 사용할 수 있습니다. 요청하지 않았다면 아무에게도 알려 주지 마십시오. "
        "누군가 계정을 사용하려고 합니다.",
        "비밀번호 복구", "{address}의 복구 코드: {token}",
        "15분 동안 한 번만 사용할 수 있습니다. 요청하지 않았다면 아무것도 하지 마십시오. "
        "이 코드 없이는 아무도 비밀번호를 바꿀 수 없습니다.",
        "내 계정", "누군가(아마도 본인)가 이곳의 계정 이름을 요청했습니다."),
    "nl": CodeTexts(
        "nl", "Uw code: {code}", "{code} is uw code voor {address}.",
        "Hij is 10 minuten geldig, eenmaal. Hebt u er niet om gevraagd, geef hem dan aan niemand: iemand probeert uw "
        "account te gebruiken.",
        "Herstel van uw wachtwoord", "De herstelcode van {address} is: {token}",
        "Hij is 15 minuten geldig, eenmaal. Hebt u er niet om gevraagd, doe dan niets: zonder deze code kan niemand "
        "uw wachtwoord wijzigen.",
        "Uw accounts", "Iemand, waarschijnlijk u, heeft om de namen van uw accounts hier gevraagd:"),
    "no": CodeTexts(
        "no", "Koden din: {code}", "{code} er koden din for {address}.",
        "Den gjelder i 10 minutter, én gang. Hvis du ikke har bedt om den, må du ikke gi den til noen: noen prøver å "
        "bruke kontoen din.",
        "Gjenoppretting av passordet ditt", "Gjenopprettingskoden for {address} er: {token}",
        "Den gjelder i 15 minutter, én gang. Hvis du ikke har bedt om den, trenger du ikke gjøre noe: uten den kan "
        "ingen endre passordet ditt.",
        "Kontoene dine", "Noen, sannsynligvis du, har bedt om navnene på kontoene dine her:"),
    "pl": CodeTexts(
        "pl", "Twój kod: {code}", "{code} to Twój kod do konta {address}.",
        "Jest ważny 10 minut, jeden raz. Jeśli o niego nie prosisz, nie podawaj go nikomu: ktoś próbuje użyć "
        "Twojego konta.",
        "Odzyskiwanie hasła", "Kod odzyskiwania konta {address}: {token}",
        "Jest ważny 15 minut, jeden raz. Jeśli o niego nie prosisz, nie rób nic: bez niego nikt nie zmieni Twojego "
        "hasła.",
        "Twoje konta", "Ktoś, prawdopodobnie Ty, zapytał o nazwy Twoich kont tutaj:"),
    "pt": CodeTexts(
        "pt", "O seu código: {code}", "{code} é o seu código para {address}.",
        "É válido durante 10 minutos, uma só vez. Se não o pediu, não o diga a ninguém: alguém está a tentar usar a "
        "sua conta.",
        "Recuperação da sua palavra-passe", "O código de recuperação de {address} é: {token}",
        "É válido durante 15 minutos, uma só vez. Se não o pediu, não faça nada: sem ele ninguém pode mudar a sua "
        "palavra-passe.",
        "As suas contas", "Alguém, provavelmente você, pediu os nomes das suas contas aqui:"),
    "ro": CodeTexts(
        "ro", "Codul dvs.: {code}", "{code} este codul dvs. pentru {address}.",
        "Este valabil 10 minute, o singură dată. Dacă nu l-ați cerut, nu îl spuneți nimănui: cineva încearcă să vă "
        "folosească contul.",
        "Recuperarea parolei", "Codul de recuperare pentru {address} este: {token}",
        "Este valabil 15 minute, o singură dată. Dacă nu l-ați cerut, nu faceți nimic: fără el nimeni nu vă poate "
        "schimba parola.",
        "Conturile dvs.", "Cineva, probabil dvs., a cerut numele conturilor dvs. de aici:"),
    "ru": CodeTexts(
        "ru", "Ваш код: {code}", "{code} — ваш код для {address}.",
        "Он действует 10 минут, один раз. Если вы его не запрашивали, никому его не сообщайте: кто-то пытается "
        "воспользоваться вашей учётной записью.",
        "Восстановление пароля", "Код восстановления для {address}: {token}",
        "Он действует 15 минут, один раз. Если вы его не запрашивали, ничего не делайте: без него никто не сможет "
        "сменить ваш пароль.",
        "Ваши учётные записи", "Кто-то, вероятно вы, запросил имена ваших учётных записей здесь:"),
    "sk": CodeTexts(
        "sk", "Váš kód: {code}", "{code} je váš kód pre {address}.",
        "Platí 10 minút a iba raz. Ak ste oň nežiadali, nikomu ho neprezrádzajte: niekto sa pokúša použiť váš účet.",
        "Obnovenie hesla", "Kód na obnovenie účtu {address} je: {token}",
        "Platí 15 minút a iba raz. Ak ste oň nežiadali, nerobte nič: bez neho vám heslo nikto nezmení.",
        "Vaše účty", "Niekto, pravdepodobne vy, tu požiadal o názvy vašich účtov:"),
    "sv": CodeTexts(
        "sv", "Din kod: {code}", "{code} är din kod för {address}.",
        "Den gäller i 10 minuter, en gång. Om du inte har bett om den ska du inte lämna ut den till någon: någon "
        "försöker använda ditt konto.",
        "Återställning av ditt lösenord", "Återställningskoden för {address} är: {token}",
        "Den gäller i 15 minuter, en gång. Om du inte har bett om den behöver du inte göra något: utan den kan ingen "
        "ändra ditt lösenord.",
        "Dina konton", "Någon, troligen du, har bett om namnen på dina konton här:"),
    "tr": CodeTexts(
        "tr", "Kodunuz: {code}", "{code}, {address} için kodunuzdur.",
        "10 dakika boyunca bir kez geçerlidir. Siz istemediyseniz kimseye söylemeyin: biri hesabınızı kullanmaya "
        "çalışıyor.",
        "Parolanızın kurtarılması", "{address} için kurtarma kodu: {token}",
        "15 dakika boyunca bir kez geçerlidir. Siz istemediyseniz hiçbir şey yapmayın: bu kod olmadan kimse "
        "parolanızı değiştiremez.",
        "Hesaplarınız", "Biri, büyük olasılıkla siz, buradaki hesaplarınızın adlarını istedi:"),
    "uk": CodeTexts(
        "uk", "Ваш код: {code}", "{code} — ваш код для {address}.",
        "Він діє 10 хвилин, один раз. Якщо ви його не запитували, нікому його не повідомляйте: хтось намагається "
        "скористатися вашим обліковим записом.",
        "Відновлення пароля", "Код відновлення для {address}: {token}",
        "Він діє 15 хвилин, один раз. Якщо ви його не запитували, нічого не робіть: без нього ніхто не зможе змінити "
        "ваш пароль.",
        "Ваші облікові записи", "Хтось, імовірно ви, запитав назви ваших облікових записів тут:"),
    "vi": CodeTexts(
        "vi", "Mã của bạn: {code}", "{code} là mã của bạn cho {address}.",
        "Mã có hiệu lực trong 10 phút, một lần. Nếu bạn không yêu cầu, đừng cho ai biết: có người đang cố dùng tài "
        "khoản của bạn.",
        "Khôi phục mật khẩu của bạn", "Mã khôi phục của {address} là: {token}",
        "Mã có hiệu lực trong 15 phút, một lần. Nếu bạn không yêu cầu, không cần làm gì: không có mã này, không ai "
        "đổi được mật khẩu của bạn.",
        "Các tài khoản của bạn", "Có người, có lẽ là bạn, đã hỏi tên các tài khoản của bạn tại đây:"),
    "zh-cn": CodeTexts(
        "zh-cn", "您的代码：{code}", "{code} 是您用于 {address} 的代码。",
        "10 分钟内有效，仅限一次。如果您没有请求它，请不要告诉任何人：有人正试图使用您的帐户。",
        "恢复您的密码", "{address} 的恢复代码：{token}",
        "15 分钟内有效，仅限一次。如果您没有请求它，无需任何操作：没有它，任何人都无法更改您的密码。",
        "您的帐户", "有人（可能是您）查询了您在此处的帐户名称："),
    "zh-tw": CodeTexts(
        "zh-tw", "您的代碼：{code}", "{code} 是您用於 {address} 的代碼。",
        "10 分鐘內有效，僅限一次。如果您沒有要求，請不要告訴任何人：有人正試圖使用您的帳戶。",
        "復原您的密碼", "{address} 的復原代碼：{token}",
        "15 分鐘內有效，僅限一次。如果您沒有要求，無需任何動作：沒有它，任何人都無法變更您的密碼。",
        "您的帳戶", "有人（可能是您）查詢了您在此處的帳戶名稱："),
})
# fmt: on
LANGUAGES: Final = frozenset(_TEXTS)
"""The languages that they are written in."""


def get_code_texts(language: str) -> CodeTexts:
    """Return the texts in a language, in English where there are none."""
    return _TEXTS.get(language) or _TEXTS["en"]
