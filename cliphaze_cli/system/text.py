"""Text without credentials: access tokens, passwords in addresses, signatures of download links."""

import os
import re

_TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_SECRET_VARIABLES = re.compile(r"(AWS|AZURE|GOOGLE|FSSPEC)_\w*(KEY|KEY_ID|SECRET|TOKEN|PASSWORD|CONNECTION_STRING)")
_SHORTEST = 8  # shorter values are no tokens, and blanking them out would garble messages
_HIDDEN = "***"


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
