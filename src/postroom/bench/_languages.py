"""Word lists from which the corpus makes its text, one :class:`Language` each.

The words are everyday ones; sentences made of them mean nothing, but they have the word lengths, scripts, byte
lengths and charsets of real mail. ``endings`` turns each word into several forms, so that the vocabulary is as
large as that of real mailboxes.
"""

from typing import NamedTuple


class Language(NamedTuple):
    """Words and names of one language, and how its mail is encoded.

    ``variants`` are pairs of charset (as MIME names it) and Content-Transfer-Encoding, in falling frequency.
    ``weight`` is the language's share of the corpus.
    """

    code: str
    weight: int
    variants: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    endings: tuple[str, ...]
    given_names: tuple[str, ...]
    family_names: tuple[str, ...]
    greeting: str
    closing: str
    wrote: str
    spaced: bool = True
    full_stop: str = ". "


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ENGLISH_WORDS = """
    the a of to and in for with on at by from this that we you they it is are was will can should may not all
    some more new next last first week month year today morning plan team office project contract invoice order
    report meeting call question answer draft version change file table figure price budget cost travel train
    hotel room garden house street market customer supplier partner school teacher doctor machine engine part
    delivery address number date time hour minute reason problem solution idea result test review list note
    please send check find keep make take give bring show write read open close start finish wait move choose
    quick slow early late small large open free ready green blue white black warm cold old young clear sure
    after before between during because however therefore although perhaps already again always never often
"""
_GERMAN_WORDS = """
    der die das und ist nicht mit auf für von zu im wir sie ich es ein eine den dem auch noch schon bitte danke
    Woche Monat Jahr heute morgen gestern Termin Besprechung Rechnung Auftrag Bestellung Lieferung Angebot Vertrag
    Bericht Anhang Entwurf Fassung Änderung Tabelle Preis Kosten Haushalt Reise Zug Zimmer Garten Straße Haus Küche
    Kunde Kollegin Büro Schule Ärztin Maschine Gerät Ersatzteil Anschrift Nummer Uhrzeit Grund Lösung Ergebnis
    Prüfung Übersicht Frage Antwort senden prüfen finden behalten machen nehmen geben bringen zeigen schreiben
    lesen öffnen schließen warten wählen schnell langsam früh spät klein groß frei fertig grün weiß schwarz warm
    kalt alt jung sicher nachdem während deshalb obwohl vielleicht wieder immer selten zwischen größer müssen
"""
_FRENCH_WORDS = """
    le la les un une des et est pas avec sur pour de du nous vous ils elle ce cette aussi encore déjà merci bonjour
    semaine mois année demain matin réunion facture commande livraison devis contrat rapport pièce brouillon version
    modification tableau prix budget coût voyage train hôtel chambre jardin rue maison cuisine client collègue bureau
    école médecin machine adresse numéro heure raison problème solution idée résultat contrôle liste question réponse
    envoyer vérifier trouver garder faire prendre donner apporter montrer écrire lire ouvrir fermer attendre choisir
    rapide lent tôt tard petit grand libre prêt vert blanc noir chaud froid vieux jeune sûr après avant pendant
    puisque cependant peut-être toujours souvent jamais entre où ça voilà hâte forêt cœur août même très
"""
_SPANISH_WORDS = """
    el la los las un una y es no con en para por de del nosotros usted ellos esta este también todavía gracias hola
    semana mes año mañana reunión factura pedido entrega oferta contrato informe archivo borrador versión cambio
    tabla precio presupuesto coste viaje tren hotel habitación jardín calle casa cocina cliente compañero oficina
    escuela médico máquina dirección número hora razón problema solución idea resultado revisión lista pregunta
    enviar comprobar encontrar guardar hacer tomar dar traer mostrar escribir leer abrir cerrar esperar elegir
    rápido lento temprano tarde pequeño grande libre listo verde blanco negro caliente frío viejo joven seguro
    después antes mientras porque aunque quizás siempre nunca entre aquí allí más señor otoño niño corazón
"""
_POLISH_WORDS = """
    i w na z do się nie jest to że jak ale dla przez po już jeszcze proszę dziękuję dzień dobry tydzień miesiąc rok
    jutro rano spotkanie faktura zamówienie dostawa oferta umowa raport załącznik szkic wersja zmiana tabela cena
    budżet koszt podróż pociąg pokój ogród ulica dom kuchnia klient koleżanka biuro szkoła lekarz maszyna część adres
    numer godzina powód rozwiązanie wynik kontrola lista pytanie odpowiedź wysłać sprawdzić znaleźć zachować zrobić
    wziąć dać przynieść pokazać pisać czytać otworzyć zamknąć czekać wybrać szybki wolny wcześnie późno mały duży
    gotowy zielony biały czarny ciepły zimny stary młody pewny później ponieważ jednak może zawsze często między
"""
_PORTUGUESE_WORDS = """
    o a os as um uma e é não com em para por de do nós você eles esta este também ainda obrigado olá semana mês ano
    amanhã manhã reunião fatura pedido entrega proposta contrato relatório anexo rascunho versão alteração tabela
    preço orçamento custo viagem comboio hotel quarto jardim rua casa cozinha cliente colega escritório escola médico
    máquina peça endereço número hora razão problema solução ideia resultado revisão lista pergunta resposta enviar
    verificar encontrar guardar fazer tomar dar trazer mostrar escrever ler abrir fechar esperar escolher rápido
    lento cedo tarde pequeno grande livre pronto verde branco preto quente frio velho jovem certo depois antes
"""
_RUSSIAN_WORDS = """
    и в на с не что как это для по из мы вы они он она уже ещё пожалуйста спасибо здравствуйте неделя месяц год
    завтра утро встреча счёт заказ доставка предложение договор отчёт файл черновик версия изменение таблица цена
    бюджет расход поездка поезд комната сад улица дом кухня клиент коллега офис школа врач машина деталь адрес номер
    час причина решение результат проверка список вопрос ответ отправить проверить найти сохранить сделать взять
    дать принести показать писать читать открыть закрыть ждать выбрать быстрый медленный рано поздно маленький
    большой свободный готовый зелёный белый чёрный тёплый холодный старый молодой потом потому может всегда часто
"""
_GREEK_WORDS = """
    και το η ο να είναι δεν με στο για από που αυτό εμείς εσείς αυτοί ακόμη ήδη παρακαλώ ευχαριστώ καλημέρα εβδομάδα
    μήνας χρόνος αύριο πρωί συνάντηση τιμολόγιο παραγγελία παράδοση προσφορά συμβόλαιο αναφορά αρχείο έκδοση αλλαγή
    πίνακας τιμή κόστος ταξίδι τρένο δωμάτιο κήπος δρόμος σπίτι κουζίνα πελάτης συνάδελφος γραφείο σχολείο γιατρός
    μηχανή διεύθυνση αριθμός ώρα λόγος λύση ιδέα αποτέλεσμα έλεγχος κατάλογος ερώτηση απάντηση στέλνω βρίσκω κάνω
    παίρνω δίνω φέρνω δείχνω γράφω διαβάζω ανοίγω κλείνω περιμένω γρήγορα αργά μικρός μεγάλος έτοιμος πράσινο λευκό
"""
_JAPANESE_WORDS = """
    私 会議 来週 今月 明日 資料 見積 請求書 注文 納品 契約 報告 添付 変更 確認 予算 費用 出張 電車 部屋
    庭 通り 家 台所 お客様 同僚 事務所 学校 医者 機械 部品 住所 番号 時間 理由 問題 解決 結果 検査 一覧
    質問 回答 送る 探す 作る 持つ 見せる 書く 読む 開く 閉じる 待つ 選ぶ 早い 遅い 小さい 大きい 新しい
    古い 白い 黒い 暖かい 寒い です ます から まで ので しかし また いつも ときどき たぶん すぐに
    よろしく ありがとう お願い ください について に を は が で と も の へ
"""
_CHINESE_WORDS = """
    我们 会议 下周 本月 明天 资料 报价 发票 订单 交货 合同 报告 附件 修改 确认 预算 费用 出差 火车 房间
    花园 街道 家 厨房 客户 同事 办公室 学校 医生 机器 零件 地址 号码 时间 原因 问题 办法 结果 检查 清单
    回答 发送 寻找 保存 制作 带来 展示 写 读 打开 关闭 等待 选择 快 慢 早 晚 小 大 新 旧 白色 黑色 温暖
    寒冷 因为 所以 但是 也许 总是 经常 请 谢谢 您好 的 了 是 在 有 和 不 这 那 可以 需要 已经 还 再 一起
    之后 之前
"""

LANGUAGES: tuple[Language, ...] = (
    Language(
        "en",
        44,
        (("us-ascii", "7bit"), ("utf-8", "7bit"), ("utf-8", "quoted-printable"), ("iso-8859-1", "7bit")),
        _split(_ENGLISH_WORDS),
        ("", "s", "ed", "ing", "er", "ly", "able", "ment", "ness", "less", "ful", "ish", "ward", "like"),
        _split(
            "Alice Ben Clara David Emma Frank Grace Henry Iris Jack Kate Liam Mary Noah Olivia Peter Rose Sam"
        ),
        _split(
            "Archer Baker Carter Dale Ellis Foster Grant Hill Irving Jones Kent Lowe Mason North Owen Parker"
        ),
        "Hello",
        "Best regards",
        "On {date}, {name} wrote:",
    ),
    Language(
        "de",
        12,
        (("utf-8", "quoted-printable"), ("utf-8", "8bit"), ("iso-8859-1", "quoted-printable")),
        _split(_GERMAN_WORDS),
        ("", "e", "en", "er", "ung", "lich", "keit", "los", "haft", "bar", "stück", "zeit", "plan", "wesen"),
        _split(
            "Anna Björn Claudia Dieter Eva Florian Günther Heike Ingo Jürgen Katrin Lukas Märta Nils Petra"
        ),
        _split(
            "Bäcker Fischer Gärtner Huber Jäger König Lang Möller Neumann Richter Schäfer Vogel Weiß Zöller"
        ),
        "Guten Tag",
        "Viele Grüße",
        "Am {date} schrieb {name}:",
    ),
    Language(
        "fr",
        8,
        (("utf-8", "quoted-printable"), ("utf-8", "8bit"), ("iso-8859-15", "quoted-printable")),
        _split(_FRENCH_WORDS),
        ("", "s", "e", "es", "ment", "eur", "euse", "age", "able", "tion", "ette", "ier", "ique"),
        _split("Amélie Benoît Céline Damien Élodie François Gaëlle Hélène Inès Joël Léa Mathieu Noémie Zoé"),
        _split(
            "Besson Chevalier Dupré Étienne Fontaine Garnier Lefèvre Mercier Noël Rivière Rousseau Vallée"
        ),
        "Bonjour",
        "Cordialement",
        "Le {date}, {name} a écrit :",
    ),
    Language(
        "es",
        6,
        (("utf-8", "quoted-printable"), ("iso-8859-1", "8bit"), ("utf-8", "8bit")),
        _split(_SPANISH_WORDS),
        ("", "s", "es", "mente", "ción", "ito", "ado", "ando", "dor", "ble", "dad", "ista"),
        _split(
            "Álvaro Beatriz Carlos Dolores Elías Fátima Gonzalo Inés Jesús Lucía Martín Núria Óscar Sofía"
        ),
        _split(
            "Álvarez Castro Domínguez Fernández García Hernández Ibáñez López Muñoz Núñez Peña Ruiz Vázquez"
        ),
        "Hola",
        "Saludos cordiales",
        "El {date}, {name} escribió:",
    ),
    Language(
        "pl",
        5,
        (("utf-8", "base64"), ("iso-8859-2", "quoted-printable"), ("utf-8", "8bit")),
        _split(_POLISH_WORDS),
        ("", "a", "y", "em", "ów", "ość", "nie", "owy", "ka", "ek", "ami", "ach"),
        _split(
            "Agnieszka Błażej Celina Dorota Elżbieta Grażyna Józef Krzysztof Łukasz Małgorzata Piotr Żaneta"
        ),
        _split("Adamczyk Dąbrowska Górski Jabłoński Kowalska Łuczak Nowak Pawłowski Sikora Wiśniewska Zając"),
        "Dzień dobry",
        "Pozdrawiam",
        "{date} {name} pisze:",
    ),
    Language(
        "pt",
        5,
        (("utf-8", "quoted-printable"), ("iso-8859-1", "quoted-printable")),
        _split(_PORTUGUESE_WORDS),
        ("", "s", "es", "mente", "ção", "inho", "ado", "ando", "dor", "vel", "dade", "ista"),
        _split(
            "António Beatriz Conceição Duarte Eça Filipa Gonçalo Inês João Luísa Márcio Simão Tomé Vitória"
        ),
        _split("Araújo Brandão Conceição Durão Falcão Gonçalves Guimarães Leitão Magalhães Simões Vilhena"),
        "Olá",
        "Cumprimentos",
        "Em {date}, {name} escreveu:",
    ),
    Language(
        "ru",
        7,
        (("utf-8", "base64"), ("koi8-r", "8bit"), ("koi8-r", "base64"), ("utf-8", "8bit")),
        _split(_RUSSIAN_WORDS),
        ("", "а", "ы", "ом", "ов", "ость", "ние", "ный", "ка", "ик", "ами", "ах"),
        _split("Анна Борис Вера Григорий Дарья Евгений Жанна Игорь Ксения Леонид Мария Николай Ольга Пётр"),
        _split("Антонова Белов Волкова Громов Ершова Зайцев Ильина Козлов Лебедева Морозов Новикова Орлов"),
        "Здравствуйте",
        "С уважением",
        "{date} {name} пишет:",
    ),
    Language(
        "el",
        3,
        (("utf-8", "base64"), ("iso-8859-7", "8bit"), ("utf-8", "8bit")),
        _split(_GREEK_WORDS),
        ("", "ς", "ν", "ες", "ους", "ικό", "ση", "τα", "μα", "άκι"),
        _split("Αλέξης Βασιλική Γιώργος Δήμητρα Ελένη Ζωή Ηλίας Θωμάς Ιωάννα Κώστας Λουκία Μαρίνα"),
        _split("Αναγνώστου Βλάχος Γεωργίου Δημητρίου Κωνσταντίνου Μακρής Νικολάου Παππάς Σταύρου"),
        "Καλημέρα",
        "Με εκτίμηση",
        "Στις {date}, {name} έγραψε:",
    ),
    Language(
        "ja",
        6,
        (("iso-2022-jp", "7bit"), ("utf-8", "base64"), ("utf-8", "8bit")),
        _split(_JAPANESE_WORDS),
        ("",),
        _split("愛 大輔 恵美 健太 翔 直子 浩 真由美 誠 美咲 陽子 亮"),
        _split("青木 石川 上田 遠藤 小川 加藤 木村 佐藤 鈴木 田中 中村 山本"),
        "お世話になっております",
        "よろしくお願いいたします",
        "{date} {name}:",
        spaced=False,
        full_stop="。",
    ),
    Language(
        "zh",
        4,
        (("utf-8", "base64"), ("gb18030", "base64"), ("gb18030", "8bit")),
        _split(_CHINESE_WORDS),
        ("",),
        _split("伟 芳 娜 敏 静 强 磊 洋 艳 勇 军 杰"),
        _split("王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙"),
        "您好",
        "此致敬礼",
        "{date} {name} 写道:",
        spaced=False,
        full_stop="。",
    ),
)
"""Every language of the corpus; the weights sum to 100."""
