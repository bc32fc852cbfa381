"""Text for people: one line, without credentials (tokens, passwords in addresses), with readable names of files."""

import contextlib
import os
import re

_TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_SECRET_VARIABLES = re.compile(r"(AWS|AZURE|GOOGLE|FSSPEC)_\w*(KEY|KEY_ID|SECRET|TOKEN|PASSWORD|CONNECTION_STRING)")
_SHORTEST = 8  # shorter values are no tokens, and blanking them out would garble messages
_HIDDEN = "***"


def one_line(text: str) -> str:
    """Return `text` as a single line without credentials."""
    return " ".join(without_credentials(text).split())


def first_line(text: str) -> str:
    """Return the first line of a text that goes on at length, such as a compiler's, without credentials."""
    return one_line(text.strip().partition("\n")[0])


def readable(text: str) -> str:
    """Return `text` with the letters of file names that the locale (LC_ALL=C) has no alphabet for; bytes that are no
    letters in UTF-8 either stay as they are."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text


def native(text: str) -> str:
    """Return what `readable` made of a file's name as this locale has it, so that the file is found."""
    with contextlib.suppress(UnicodeEncodeError):
        os.fsencode(text)
        return text
    with contextlib.suppress(UnicodeEncodeError):
        return os.fsdecode(text.encode("utf-8", "surrogateescape"))
    return text  # no name of a file at all


def without_credentials(text: str) -> str:
    """Return `text` with every credential in it replaced or left out.

    Those are the access tokens and the secrets of stores in the environment, whatever looks like one of the Hub's,
    `user:password@` in addresses, and what follows the question mark in them: download links carry signatures there.
    """
    secret = (name for name in os.environ if _SECRET_VARIABLES.fullmatch(name))
    for name in (*_TOKEN_VARIABLES, *secret):
        token = os.environ.get(name, "").strip()
        if len(token) >= _SHORTEST:
            text = text.replace(token, _HIDDEN)
    text = re.sub(r"://[^/\s]*@", "://", text)
    text = re.sub(r"(\w://[^\s?'\"]+)\?[^\s'\"]+", rf"\1?{_HIDDEN}", text)
    return re.sub(r"\bhf_[A-Za-z0-9]{12,}", f"hf_{_HIDDEN}", text)
