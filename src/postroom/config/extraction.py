"""Section ``[extraction]``: reading the text of attached documents, so that searches find it."""

from dataclasses import dataclass

from postroom.config.options import option


@dataclass(frozen=True)
class ExtractionConfig:
    """Options of reading attached documents."""

    enabled: bool = option(
        True,
        "The text of attached PDF, office (docx, xlsx, pptx, odt, ods, odp), RTF and text files is read after the "
        "delivery, in a process of its own, and found by searches in any field. What came while it was false is read "
        "by postroom reindex --search.",
    )
    timeout_seconds: int = option(
        20,
        "How long the process may compute for one document; all of a message may take three times as long.",
        unit="seconds",
        minimum=1,
        maximum=600,
    )
    max_memory_bytes: int = option(
        536_870_912,
        "Memory that the process may take, the message included.",
        unit="bytes",
        minimum=134_217_728,
    )
    max_document_bytes: int = option(
        33_554_432,
        "A larger attachment, as it stands in the message, is not read.",
        unit="bytes",
        minimum=0,
    )
