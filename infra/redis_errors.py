"""What an error of Redis means for a call: wait and send it again, or stop."""

from __future__ import annotations

import re

from redis import exceptions as redis_errors

_AWAY: tuple[tuple[type[Exception], str], ...] = (
    (redis_errors.OutOfMemoryError, "OOM"),
    (redis_errors.BusyLoadingError, "LOADING"),
    (redis_errors.ReadOnlyError, "READONLY"),
    (redis_errors.MasterDownError, "MASTERDOWN"),
    (redis_errors.ClusterError, "CLUSTERDOWN"),
    (redis_errors.TryAgainError, "TRYAGAIN"),
    (redis_errors.MovedError, "MOVED"),
    (redis_errors.AskError, "ASK"),
    (redis_errors.TimeoutError, "timeout"),
    (TimeoutError, "timeout"),
    (redis_errors.ConnectionError, "connection"),
    (OSError, "connection"),
)
_REFUSED_LOGIN = (redis_errors.AuthenticationError, redis_errors.AuthorizationError)
_AWAY_CODE = re.compile(r"(?:^|: -?)(OOM|LOADING|READONLY|MISCONF|NOREPLICAS|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN) ")
"""At the start, or where Redis 6 puts it: "ERR Error running script (…): @user_script:5: -OOM command not allowed"."""


def away(error: Exception) -> str | None:
    """Why the store cannot answer now, as one word for logs and metrics; None = waiting will not help.

    >>> away(redis_errors.ResponseError("MISCONF Redis is configured to save RDB snapshots")), away(ConnectionResetError())
    ('MISCONF', 'connection')
    >>> away(redis_errors.ResponseError("BADKEY holds another type: a: -OOM b")), away(redis_errors.AuthenticationError("x"))
    (None, None)
    """
    text = str(error)
    if isinstance(error, _REFUSED_LOGIN) or text.startswith(("BADKEY ", "BADCALL ")):
        return None
    for kind, reason in _AWAY:
        if isinstance(error, kind):
            return reason
    code = _AWAY_CODE.search(text)
    return code.group(1) if code else None


def script_missing(error: Exception) -> bool:
    """True after a restart or a SCRIPT FLUSH: the same call must travel with the script's text."""
    return isinstance(error, redis_errors.NoScriptError)


def blame(error: Exception, key: str) -> tuple[str, str]:
    """(key, sentence): the key that the error itself names, else `key`.

    >>> blame(redis_errors.ResponseError("BADKEY holds another type: segue:{u1}:user:a"), "segue:{u1}:cursor")
    ('segue:{u1}:user:a', 'holds another type')
    """
    text = str(error)
    if text.startswith(("BADKEY ", "BADCALL ")):
        why, _, named = text.partition(" ")[2].rpartition(": ")
        return named, why
    return key, f"{type(error).__name__}: {text}"
