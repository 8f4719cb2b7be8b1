"""API keys: read from a file that holds only their hashes, looked up in constant time, reloaded when the file changes.

One key a line: a name, the SHA-256 of the key in hexadecimal, and, if it is limited, its texts per minute::

    # name   sha256 of the key                                                  texts per minute
    alice    9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab  600

A name may stand on several lines: while a key is rotated, the old one and the new one are both good and share one
limit. The keys themselves should be long and random, which is why a plain hash is enough:
``python -c "import secrets; print(secrets.token_urlsafe(32))"``, then ``printf %s THE-KEY | sha256sum``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeAlias

from textwright.api.rate_limit import SharedTokenBucket, TokenBucket
from textwright.errors import NotFoundError, SettingsError, UnauthorizedError

if TYPE_CHECKING:
    import logging

_LINE = re.compile(r"([A-Za-z0-9._-]{1,64})\s+([0-9a-f]{64})(?:\s+([1-9][0-9]{0,8}))?")
_FORM: Final = "NAME SHA256-OF-THE-KEY [TEXTS-PER-MINUTE]"
_BEARER: Final = "bearer "
_LOOK_AGAIN_S: Final = 1.0

MakeBucket: TypeAlias = Callable[[str, int], TokenBucket]
"""Name and texts per minute -> a bucket."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key.

    Args:
        name: Whose it is; stands in the log.
        digest: SHA-256 of the key.
        bucket: Its share of texts; None if it is not limited.
    """

    name: str
    digest: bytes
    bucket: TokenBucket | None

    def consume_quota(self, num_texts: int) -> None:
        """Take the texts of a request out of the share.

        Raises:
            RateLimitError: If so many are not left of it.
        """
        if self.bucket is not None:
            self.bucket.take(num_texts)


class KeyRing:
    """The keys of one file.

    Args:
        path: The file; see the module.
        folder: Where the workers of one server keep the shares of names together; None for a single process.

    Raises:
        NotFoundError: If there is no such file, or it cannot be read.
        SettingsError: If a line is no key, or there is none; names file and line.
    """

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        self._path = path
        self._folder = folder
        self._buckets: dict[str, TokenBucket] = {}
        self._stamp: tuple[int, int, int] | None = _stamp(path)
        self._looked = monotonic()
        self._keys = self._read()
        if not self._keys:
            raise _no_key(str(path))

    def find(self, secret: str | None) -> Key:
        """Find the key that a request shows.

        Args:
            secret: What the request shows; None for nothing.

        Returns:
            The key.

        Raises:
            UnauthorizedError: If it shows none, or one that is not known.
        """
        self._reload_if_changed()
        return find_key(self._keys, secret)

    def _reload_if_changed(self) -> None:
        """Read the file again if it has changed.

        A line that is no key is told in the log, and the old keys stay good. A file that is gone, cannot be read or
        holds no key revokes them all.
        """
        if monotonic() - self._looked < _LOOK_AGAIN_S:
            return
        self._looked = monotonic()
        try:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                keys, self._stamp = self._read(), stamp
                self._replace(keys)
        except NotFoundError as error:
            self._stamp = None
            self._replace([], error)
        except SettingsError as error:
            _log().error("the keys were not reloaded", exc_info=error)

    def _replace(self, keys: list[Key], error: NotFoundError | None = None) -> None:
        if self._keys and not keys:
            reason = error or _no_key(str(self._path))
            _log().error("there is no key any more, and every request is refused", exc_info=reason)
        self._keys = keys

    def _read(self) -> list[Key]:
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise _unreadable(self._path, error) from error
        return _read_lines(lines, str(self._path), self._buckets, self._new_bucket)

    def _new_bucket(self, name: str, texts_per_minute: int) -> TokenBucket:
        if self._folder is None:
            return TokenBucket(texts_per_minute)
        ring = sha256(str(self._path).encode()).hexdigest()[:8]
        return SharedTokenBucket(texts_per_minute, self._folder / f"share-{ring}-{name}-{texts_per_minute}")


def read_keys(
    lines: Sequence[str], source: str, buckets: dict[str, TokenBucket], new_bucket: MakeBucket | None = None
) -> list[Key]:
    """Read the lines of a key file, wherever they stand.

    Args:
        lines: See the module.
        source: Where they stand, for messages.
        buckets: Name -> its bucket so far; a name keeps it unless its share has changed.
        new_bucket: Makes the bucket of a name; None for one of this process.

    Returns:
        The keys, one or more.

    Raises:
        SettingsError: If a line is no key, or there is none; names the line.
    """
    keys = _read_lines(lines, source, buckets, new_bucket or _bucket_of_process)
    if not keys:
        raise _no_key(source)
    return keys


def find_key(keys: Sequence[Key], secret: str | None) -> Key:
    """Find the key that a request shows.

    Every key is compared, to its end, so that the time tells nothing of how close a guess was.

    Args:
        keys: Those that are good.
        secret: What the request shows; None for nothing.

    Returns:
        The key.

    Raises:
        UnauthorizedError: If it shows none, or one that is not known.
    """
    if secret is None:
        raise UnauthorizedError("this server asks for a key; send the header authorization: Bearer YOUR-KEY")
    digest = sha256(secret.encode()).digest()
    matching = [key for key in keys if compare_digest(key.digest, digest)]
    if not matching:
        raise UnauthorizedError("the key is not known here; it may have been replaced")
    return matching[0]


def shown_secret(headers: Mapping[str, str]) -> str | None:
    """Take the key out of the headers of a request.

    Args:
        headers: Looked up by names in lower case.

    Returns:
        What stands behind ``authorization: Bearer`` or in ``x-api-key``; None for nothing.
    """
    shown = headers.get("authorization", "")
    if shown[: len(_BEARER)].lower() == _BEARER:
        return shown[len(_BEARER) :].strip()
    return headers.get("x-api-key")


def _read_lines(
    lines: Sequence[str], source: str, buckets: dict[str, TokenBucket], new_bucket: MakeBucket
) -> list[Key]:
    numbered = [(number, line.partition("#")[0].strip()) for number, line in enumerate(lines, start=1)]
    return [_read_key(line, f"{source}, line {number}", buckets, new_bucket) for number, line in numbered if line]


def _no_key(source: str) -> SettingsError:
    return SettingsError(f"{source} holds no key; a line is: {_FORM}")


def _bucket_of_process(_: str, texts_per_minute: int) -> TokenBucket:
    return TokenBucket(texts_per_minute)


def _read_key(line: str, where: str, buckets: dict[str, TokenBucket], new_bucket: MakeBucket) -> Key:
    match = _LINE.fullmatch(line)
    if match is None:
        raise SettingsError(
            f"{where} is no key; a line is: {_FORM}, the hash in 64 lower-case hexadecimal digits "
            "(printf %s YOUR-KEY | sha256sum)"
        )
    name, digest, share = match.groups()
    return Key(name, bytes.fromhex(digest), _bucket(name, int(share), buckets, new_bucket) if share else None)


def _bucket(name: str, texts_per_minute: int, buckets: dict[str, TokenBucket], new_bucket: MakeBucket) -> TokenBucket:
    bucket = buckets.get(name)
    if bucket is None or bucket.texts_per_minute != texts_per_minute:
        bucket = buckets[name] = new_bucket(name, texts_per_minute)
    return bucket


def _unreadable(path: Path, error: OSError) -> NotFoundError:
    return NotFoundError(f"the file of API keys cannot be read: {path} ({error.strerror})")


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return status.st_mtime_ns, status.st_size, status.st_ino


def _log() -> logging.Logger:
    import logging  # here, since a Lambda function reads keys too and pays for each import at its cold start

    return logging.getLogger(__name__)
