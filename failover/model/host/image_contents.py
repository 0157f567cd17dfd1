"""What an image has, by its tags, and what a server has of it that the image lacks. Pure.

A tag's value has 256 characters at most, a resource ten tags: versions of the service's packages and digests
of groups of files fit, the list of all packages does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

TAG = "nfs-failover-image"  # the run that made it
TAG_OF = "nfs-failover-image-of"  # OCID of the server that the image is of
TAG_KERNEL = "nfs-failover-image-kernel"
TAG_PACKAGES = "nfs-failover-image-packages"  # their SHA-256, and how many they are
TAG_VERSIONS = "nfs-failover-image-versions"  # of the service's packages: NAME=VERSION
TAG_FILES = "nfs-failover-image-files"  # of groups of files: NAME=DIGEST, empty where there was none
TAG_HOOKS = "nfs-failover-image-hooks"  # the hooks' SHA-256
TAG_SITE = "nfs-failover-image-site"  # the server's name
_LONGEST = 256  # characters of a tag's value
_MORE = "+"  # in the place of what did not fit
# by group of files: what they are, for a person (hooks/guard/contents.py has the paths)
GROUPS = {
    "exports": "exports of its own files (/etc/exports, /etc/exports.d)",
    "quotas": "settings of quotas (/etc/warnquota.conf, /etc/quotatab, /etc/quotagrpadmins)",
    "accounts": "accounts (/etc/passwd, /etc/group)",
    "keys": "keys (authorized_keys of accounts with a home on the root disk, /etc/krb5.keytab)",
    "settings": "settings that do not move with the data (docs/settings.md)",
}


@dataclass(frozen=True)
class ImageContents:
    """Of an image or of a server. None: not known. `packages`: the SHA-256 of the list of all of them.

    `versions`: of the service's packages, by name; `is_whole` False: of some of them alone. `files`: digests
    by group, empty where there is no file.
    """

    kernel: str | None = None
    packages: str | None = None
    package_count: int | None = None
    versions: Mapping[str, str] | None = None
    files: Mapping[str, str] | None = None
    is_whole: bool = True


@dataclass(frozen=True)
class ImageDrift:
    """What a server launched from the image would lack, and what could not be compared; a line each."""

    lost: tuple[str, ...] = ()
    not_known: tuple[str, ...] = field(default=())


def of_facts(facts: Mapping[str, Any]) -> ImageContents:
    """By the facts of the hooks' `contents` or `guard`."""
    count, versions, files = (facts.get(key) for key in ("package_count", "versions", "files"))
    return ImageContents(
        str(facts["kernel"]) if facts.get("kernel") else None,
        str(facts["packages"]) if facts.get("packages") else None,
        count if isinstance(count, int) and count else None,
        _texts(versions) if isinstance(versions, Mapping) else None,
        _texts(files) if isinstance(files, Mapping) else None,
    )


def of_tags(tags: Mapping[str, str]) -> ImageContents:
    """By an image's tags; a part whose tag is missing is not known."""
    digest, _, count = tags.get(TAG_PACKAGES, "").partition(" ")
    return ImageContents(
        tags.get(TAG_KERNEL) or None,
        digest or None,
        int(count) if count.isdigit() and int(count) else None,
        _pairs(tags[TAG_VERSIONS]) if TAG_VERSIONS in tags else None,
        _pairs(tags[TAG_FILES]) if TAG_FILES in tags else None,
        _MORE not in tags.get(TAG_VERSIONS, "").split(),
    )


def tags_of(contents: ImageContents) -> dict[str, str]:
    """The tags that `of_tags` reads. What does not fit into a tag is left out whole, never cut in a word."""
    tags = {
        TAG_KERNEL: contents.kernel or "",
        TAG_PACKAGES: f"{contents.packages or ''} {contents.package_count or 0}",
    }
    if contents.versions is not None:
        tags[TAG_VERSIONS] = _written(contents.versions)
    if contents.files is not None:
        tags[TAG_FILES] = _written(contents.files)
    return {key: value[:_LONGEST] for key, value in tags.items()}


def drift(image: ImageContents, server: ImageContents) -> ImageDrift:
    """What of the server's the image lacks, or has otherwise."""
    unknown = [
        name
        for name, one, other in (
            ("kernel", image.kernel, server.kernel),
            ("packages", image.packages, server.packages),
            ("files of the root disk", image.files, server.files),
        )
        if one is None or other is None
    ]
    lost = (*_kernel(image, server), *_packages(image, server), *_files(image, server))
    return ImageDrift(lost, tuple(unknown))


def _kernel(image: ImageContents, server: ImageContents) -> Iterator[str]:
    if image.kernel and server.kernel and image.kernel != server.kernel:
        yield f"kernel {server.kernel}: the image has {image.kernel}"


def _packages(image: ImageContents, server: ImageContents) -> Iterator[str]:
    if not image.packages or not server.packages or image.packages == server.packages:
        return  # the versions are of the same list
    before, now = image.versions or {}, server.versions or {}
    names = sorted({*before, *(now if image.is_whole else ())}) if image.versions is not None else []
    odd = [
        f"{n} {now.get(n, 'none')} ({before.get(n, 'none')})" for n in names if before.get(n) != now.get(n)
    ]
    counts = f"{server.package_count or '?'} packages, {image.package_count or '?'} in the image"
    listed = f"; of the service, and in the image: {', '.join(odd)}" if odd else ""
    yield f"packages: {counts}, and they are not the same ones{listed}"


def _files(image: ImageContents, server: ImageContents) -> Iterator[str]:
    if image.files is None or server.files is None:
        return
    for name, what in GROUPS.items():
        then, now = image.files.get(name, ""), server.files.get(name, "")
        if then != now and now:
            yield f"{what} were {'changed' if then else 'made'} since the image was taken"
        elif then != now:
            yield f"{what}: the image has some that the server no longer has"


def _texts(values: Mapping[Any, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in values.items()}


def _written(values: Mapping[str, str]) -> str:
    text, left_out = "", ""
    for key, value in sorted(values.items()):
        more = f"{text} {key}={value}".strip()
        if len(more) + len(_MORE) < _LONGEST:
            text = more
        else:
            left_out = f" {_MORE}"
    return text + left_out


def _pairs(text: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in text.split() if "=" in word)
