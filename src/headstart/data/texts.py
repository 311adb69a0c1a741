"""What decides whether two texts count as the same, and how an intent is named together with its domain."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from headstart.data.rows import DataError, Row, check_characters, shorten


def text_key(text: str) -> str:
    """What two texts must share to count as the same: letters and digits alone, without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if character.isalnum())


def plain_text(text: str) -> str:
    """The text in lower case and with single blanks: what two texts share that are said alike."""
    return " ".join(text.lower().split())


def domain_of(fields: Mapping[str, Any], where: str) -> str:
    """The domain of a row, as it was read; `where` it stands, for a message.

    Raises:
        DataError: it has none, or one that is no name.
    """
    if "domain" not in fields:
        raise DataError(f"{where}: field 'domain' is missing, and the domains of this corpus are wanted.")
    domain = fields["domain"]
    if isinstance(domain, (dict, list)):
        raise DataError(f"{where}, field 'domain': found {shorten(domain)}; allowed: a name.")
    check_characters(str(domain), f"{where}, field 'domain'")
    return str(domain)


def with_domain(row: Row, domain: str) -> Row:
    """The row with its intent named together with its domain, if it has one."""
    return row if row["intent"] is None else {**row, "intent": f"{domain}/{row['intent']}"}


__all__ = ["domain_of", "plain_text", "text_key", "with_domain"]
