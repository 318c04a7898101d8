"""The properties that every contact has, and their groups. Data, so that a release can add some."""

from marketable.properties.rules import Option, PropertyDef, PropertyType

STRING, NUMBER, DATE = PropertyType.STRING, PropertyType.NUMBER, PropertyType.DATE
MOMENT, CHOICE, YES_NO = PropertyType.DATETIME, PropertyType.ENUMERATION, PropertyType.BOOL

DEFAULT_GROUPS: tuple[tuple[str, str, str], ...] = (
    ("contactinformation", "Contact information", "Dane kontaktu"),
    ("emailinformation", "E-mail information", "Dane o wiadomościach"),
    ("conversioninformation", "Conversion information", "Dane o konwersjach"),
)


def _p(
    name: str,
    label: str,
    label_pl: str,
    kind: PropertyType = STRING,
    field_type: str = "text",
    *,
    group: str = "contactinformation",
    options: tuple[tuple[str, str, str], ...] = (),
    read_only: bool = False,
    searched: bool = False,
    external_options: bool = False,
) -> PropertyDef:
    return PropertyDef(
        name=name,
        label=label,
        label_pl=label_pl,
        type=kind,
        field_type=field_type,
        group=group,
        options=tuple(Option(value, en, label_pl=pl) for value, en, pl in options),
        is_system=True,
        is_read_only=read_only,
        is_searched=searched,
        has_external_options=external_options,
    )


LIFECYCLE = (
    ("subscriber", "Subscriber", "Subskrybent"),
    ("lead", "Lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead", "Lead marketingowy"),
    ("salesqualifiedlead", "Sales Qualified Lead", "Lead sprzedażowy"),
    ("opportunity", "Opportunity", "Szansa sprzedaży"),
    ("customer", "Customer", "Klient"),
    ("evangelist", "Evangelist", "Ambasador"),
    ("other", "Other", "Inny"),
)
LEAD_STATUS = (
    ("NEW", "New", "Nowy"),
    ("OPEN", "Open", "Otwarty"),
    ("IN_PROGRESS", "In progress", "W toku"),
    ("OPEN_DEAL", "Open deal", "Otwarta transakcja"),
    ("UNQUALIFIED", "Unqualified", "Niezakwalifikowany"),
    ("ATTEMPTED_TO_CONTACT", "Attempted to contact", "Próba kontaktu"),
    ("CONNECTED", "Connected", "Nawiązano kontakt"),
    ("BAD_TIMING", "Bad timing", "Zły moment"),
)
LANGUAGES = (
    ("en", "English", "angielski"),
    ("pl", "Polish", "polski"),
    ("de", "German", "niemiecki"),
    ("fr", "French", "francuski"),
    ("es", "Spanish", "hiszpański"),
    ("it", "Italian", "włoski"),
    ("pt", "Portuguese", "portugalski"),
    ("nl", "Dutch", "niderlandzki"),
    ("cs", "Czech", "czeski"),
    ("sk", "Slovak", "słowacki"),
    ("uk", "Ukrainian", "ukraiński"),
    ("sv", "Swedish", "szwedzki"),
    ("da", "Danish", "duński"),
    ("no", "Norwegian", "norweski"),
    ("fi", "Finnish", "fiński"),
)
BOUNCES = (
    ("OTHER", "Other", "Inny"),
    ("UNKNOWN_USER", "Unknown user", "Nieznany odbiorca"),
    ("MAILBOX_FULL", "Mailbox full", "Pełna skrzynka"),
    ("SPAM", "Spam", "Spam"),
    ("POLICY", "Policy", "Zasady serwera"),
)
LEGAL_BASES = (
    (
        "Legitimate interest – prospect/lead",
        "Legitimate interest – prospect/lead",
        "Prawnie uzasadniony interes – potencjalny klient",
    ),
    (
        "Legitimate interest – existing customer",
        "Legitimate interest – existing customer",
        "Prawnie uzasadniony interes – klient",
    ),
    (
        "Legitimate interest - other",
        "Legitimate interest - other",
        "Prawnie uzasadniony interes – inny",
    ),
    ("Performance of a contract", "Performance of a contract", "Wykonanie umowy"),
    (
        "Freely given consent from contact",
        "Freely given consent from contact",
        "Dobrowolna zgoda kontaktu",
    ),
    ("Not applicable", "Not applicable", "Nie dotyczy"),
)
YES = (("true", "Yes", "Tak"), ("false", "No", "Nie"))
STATUS = (
    ("true", "Marketing contact", "Kontakt marketingowy"),
    ("false", "Non-marketing contact", "Kontakt niemarketingowy"),
)

#: What made a contact marketing, as the API names it (H2).
REASONS = (
    ("CRM_UI_BULK_ACTION", "Bulk edit", "Zmiana masowa"),
    ("CRM_UI", "By hand", "Ręcznie"),
    ("AUTOMATION_PLATFORM", "Workflow", "Przepływ pracy"),
    ("FORM", "Form", "Formularz"),
    ("CONVERSATIONS", "Chatflow", "Przepływ czatu"),
    ("IMPORT", "Import", "Import"),
    ("INTEGRATION", "Integration", "Integracja"),
    ("API", "API", "API"),
    ("COMMAND", "Command line", "Wiersz poleceń"),
    ("BILLING", "Account", "Konto"),
)
#: What created a contact.
ORIGINS = (
    *(reason for reason in REASONS if reason[0] != "COMMAND"),
    ("MERGE_CONTACTS", "Merge", "Scalenie"),
    ("UNKNOWN", "Unknown", "Nieznane"),
)

#: Kept in columns or other tables and given by `contacts/`, never stored among the properties.
DERIVED = (
    _p("hs_object_id", "Record ID", "Numer rekordu", NUMBER, "number", read_only=True),
    _p("createdate", "Created", "Utworzono", MOMENT, "date", read_only=True),
    _p("lastmodifieddate", "Last modified", "Ostatnia zmiana", MOMENT, "date", read_only=True),
    _p("hs_createdate", "Record created", "Utworzono rekord", MOMENT, "date", read_only=True),
    _p(
        "hs_lastmodifieddate",
        "Record last modified",
        "Ostatnia zmiana rekordu",
        MOMENT,
        "date",
        read_only=True,
    ),
    _p("hs_email_domain", "E-mail domain", "Domena adresu e-mail", read_only=True),
    _p("hs_all_contact_vids", "All record IDs", "Wszystkie numery rekordu", read_only=True),
    _p("hs_merged_object_ids", "Merged record IDs", "Numery scalonych rekordów", read_only=True),
    _p(
        "hs_is_contact", "Is a contact", "Jest kontaktem", YES_NO, "booleancheckbox", read_only=True
    ),
    _p(
        "hs_object_source",
        "Record source",
        "Źródło rekordu",
        CHOICE,
        "select",
        options=ORIGINS,
        read_only=True,
    ),
    _p("hs_object_source_id", "Record source ID", "Numer źródła rekordu", read_only=True),
    _p("hs_object_source_label", "Record source label", "Rodzaj źródła rekordu", read_only=True),
    _p(
        "hs_object_source_detail_1",
        "Record source detail",
        "Szczegóły źródła rekordu",
        read_only=True,
    ),
    _p(
        "hs_object_source_user_id",
        "Created by user ID",
        "Numer osoby, która utworzyła",
        read_only=True,
    ),
    _p(
        "hs_marketable_status",
        "Marketing contact status",
        "Status kontaktu marketingowego",
        CHOICE,
        "select",
        options=STATUS,
        read_only=True,
    ),
    _p(
        "hs_marketable_until_renewal",
        "Marketing contact until next update",
        "Kontakt marketingowy do następnej aktualizacji",
        CHOICE,
        "booleancheckbox",
        options=YES,
        read_only=True,
    ),
    _p(
        "hs_marketable_reason_type",
        "Marketing contact status source type",
        "Typ źródła statusu",
        CHOICE,
        "select",
        options=REASONS,
        read_only=True,
    ),
    _p(
        "hs_marketable_reason_id",
        "Marketing contact status source name",
        "Nazwa źródła statusu",
        read_only=True,
    ),
    _p(
        "marketable_since",
        "Marketing since",
        "Marketingowy od",
        MOMENT,
        "date",
        read_only=True,
    ),
    _p(
        "marketable_leaving_on",
        "Becomes non-marketing on",
        "Stanie się niemarketingowy",
        DATE,
        "date",
        read_only=True,
    ),
    _p("hs_additional_emails", "Additional addresses", "Dodatkowe adresy", read_only=True),
)

STORED = (
    _p("email", "E-mail", "E-mail", searched=True),
    _p("firstname", "First name", "Imię", searched=True),
    _p("lastname", "Last name", "Nazwisko", searched=True),
    _p("salutation", "Salutation", "Zwrot grzecznościowy"),
    _p("phone", "Phone", "Telefon", field_type="phonenumber", searched=True),
    _p("mobilephone", "Mobile phone", "Telefon komórkowy", field_type="phonenumber", searched=True),
    _p("fax", "Fax", "Faks", searched=True),
    _p("company", "Company", "Firma", searched=True),
    _p("jobtitle", "Job title", "Stanowisko"),
    _p("website", "Website", "Strona internetowa"),
    _p("address", "Street address", "Ulica i numer"),
    _p("city", "City", "Miasto"),
    _p("state", "State or region", "Województwo"),
    _p("zip", "Postal code", "Kod pocztowy"),
    _p("country", "Country", "Kraj"),
    _p("industry", "Industry", "Branża"),
    _p("numemployees", "Number of employees", "Liczba pracowników"),
    _p("annualrevenue", "Annual revenue", "Roczny przychód"),
    _p("twitterhandle", "X (Twitter) name", "Nazwa w X (Twitter)"),
    _p("message", "Message", "Wiadomość", field_type="textarea"),
    _p("date_of_birth", "Date of birth", "Data urodzenia"),
    _p("hs_language", "Preferred language", "Język", CHOICE, "select", options=LANGUAGES),
    _p("hs_timezone", "Time zone", "Strefa czasowa"),
    _p("lifecyclestage", "Lifecycle stage", "Etap cyklu życia", CHOICE, "radio", options=LIFECYCLE),
    _p("hs_lead_status", "Lead status", "Status leada", CHOICE, "radio", options=LEAD_STATUS),
    _p(
        "hubspot_owner_id",
        "Contact owner",
        "Właściciel kontaktu",
        CHOICE,
        "select",
        external_options=True,
    ),
    _p(
        "hubspot_owner_assigneddate",
        "Owner assigned",
        "Przypisano właściciela",
        MOMENT,
        "date",
        read_only=True,
    ),
    _p(
        "hs_legal_basis",
        "Legal basis for processing",
        "Podstawa prawna przetwarzania",
        CHOICE,
        "checkbox",
        options=LEGAL_BASES,
    ),
    _p(
        "hs_email_optout",
        "Unsubscribed from all e-mail",
        "Wypisany ze wszystkich wiadomości",
        YES_NO,
        "booleancheckbox",
        group="emailinformation",
        read_only=True,
    ),
    _p(
        "hs_email_hard_bounce_reason_enum",
        "Hard bounce reason",
        "Przyczyna trwałego odbicia",
        CHOICE,
        "select",
        group="emailinformation",
        options=BOUNCES,
        read_only=True,
    ),
    _p(
        "hs_email_quarantined",
        "E-mail quarantined",
        "Adres w kwarantannie",
        YES_NO,
        "booleancheckbox",
        group="emailinformation",
        read_only=True,
    ),
    _p(
        "hs_email_last_send_date",
        "Last e-mail sent",
        "Ostatnia wysłana wiadomość",
        MOMENT,
        "date",
        group="emailinformation",
        read_only=True,
    ),
    *(
        _p(
            f"hs_email_{what}",
            f"E-mails {what_en}",
            f"Wiadomości {what_pl}",
            NUMBER,
            "number",
            group="emailinformation",
            read_only=True,
        )
        for what, what_en, what_pl in (
            ("bounce", "bounced", "odbite"),
            ("delivered", "delivered", "doręczone"),
            ("open", "opened", "otwarte"),
            ("click", "clicked", "kliknięte"),
        )
    ),
    _p(
        "num_conversion_events",
        "Number of form submissions",
        "Liczba wypełnień formularzy",
        NUMBER,
        "number",
        group="conversioninformation",
        read_only=True,
    ),
    *(
        _p(
            f"{which}_conversion_{part}",
            f"{which_en} conversion {part_en}",
            f"{which_pl} konwersja: {part_pl}",
            kind,
            field,
            group="conversioninformation",
            read_only=True,
        )
        for which, which_en, which_pl in (
            ("first", "First", "Pierwsza"),
            ("recent", "Recent", "Ostatnia"),
        )
        for part, part_en, part_pl, kind, field in (
            ("date", "date", "data", MOMENT, "date"),
            ("event_name", "form", "formularz", STRING, "text"),
        )
    ),
)

DEFAULT_PROPERTIES: tuple[PropertyDef, ...] = (*STORED, *DERIVED)
BY_NAME: dict[str, PropertyDef] = {one.name: one for one in DEFAULT_PROPERTIES}
#: A change of one of these rewrites a contact's search words.
SEARCHED = frozenset(one.name for one in STORED if one.is_searched)
