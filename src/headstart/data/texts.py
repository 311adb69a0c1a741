"""What decides whether two texts count as the same, and how an intent is named together with its domain."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from headstart.data.rows import DataError, Row, check_characters, shorten

# Words that are frequent in one language and rare in the others: me, in, a, do, was and the like are words of several.
ENGLISH = re.compile(r"\b(?:the|my|what|is|for|of|to|how|tell|give|you|it|and|please|show|about|start|with|want|can|open)\b")
OTHERS = re.compile(
    r"\b(?:der|das|ich|und|ein|eine|mir|bitte|wie|ist|nicht|den|dem|zum|von|mit|auf|für|kann"  # German
    r"|le|la|les|un|une|des|du|je|que|moi|est|pour|donne|quel|quelle|avec|dans|mon"  # French
    r"|el|los|una|por|qué|cual|cuál|es|para|dime|quiero|del|mi|como|cómo"  # Spanish
    r"|il|di|che|uno|è|della|dimmi|voglio|mio|mia|quale|sono|ho|gli"  # Italian
    r"|os|um|uma|não|quero|meu|minha|qual|da|dos|eu|em"  # Portuguese
    r"|het|een|ik|mijn|wat|voor|van|niet)\b"  # Dutch
)


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


def looks_foreign(text: str) -> bool:
    """Whether a text seems to be in another language than English, by its script or by its most frequent words."""
    text = text.lower()
    letters = [character for character in text if character.isalpha()]
    if sum(ord(letter) > 0x24F for letter in letters) > 0.3 * len(letters):  # of no Latin script
        return True
    return len(OTHERS.findall(text)) > len(ENGLISH.findall(text))


__all__ = ["domain_of", "looks_foreign", "plain_text", "text_key", "with_domain"]
