"""What `huggingface_hub` raises, told as one CheckpointError that says what to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

from .errors import CheckpointError


def explain(error: BaseException, repo_id: str, filename: str, revision: str | None) -> CheckpointError:
    """The CheckpointError for `error`, raised while `filename` (or with "", an upload) was on its way."""
    from huggingface_hub import constants, errors

    hub, chain = constants.ENDPOINT, list(_chain(error))
    no_folder = f"there is no folder {repo_id!r} in {Path.cwd()}"
    log_in = "log in with `hf auth login`, or pass token=…"

    def first(*kinds: type[BaseException]) -> BaseException | None:
        return next((link for link in chain if isinstance(link, kinds)), None)

    def failure(problem: str, hint: str) -> CheckpointError:
        return CheckpointError(repo_id, problem, hint=hint)

    if first(errors.GatedRepoError):
        return failure(f"is gated on {hub}", f"Accept its terms at {hub}/{repo_id}, then {log_in}.")
    if first(errors.RepositoryNotFoundError):
        return failure(
            f"there is no such name on {hub}, or it is private; and {no_folder}",
            f"Check the spelling; for a private one {log_in}.",
        )
    if first(errors.RevisionNotFoundError):
        return failure(f"has no revision {revision!r}", f"Branches and tags are listed at {hub}/{repo_id}/tree/main.")
    if first(errors.HFValidationError):
        return failure(
            "is neither a folder here nor a name that a hub can have", "A name on the hub looks like 'org/model'."
        )
    if first(errors.OfflineModeIsEnabled) or constants.HF_HUB_OFFLINE:
        return failure(
            f"{filename or 'the hub'} cannot be fetched: offline mode is on, it is not in the cache, and {no_folder}",
            "Load it once online, or unset HF_HUB_OFFLINE.",
        )
    status = next((status for link in chain if (status := _status(link)) is not None), None)
    if status is not None:
        advice = f"{log_in.capitalize()}." if status in (401, 403) else "Try again later."
        return failure(f"{hub} answered {filename or 'the upload'} with HTTP status {status}", advice)
    if any("Consistency check" in str(link) for link in chain):
        return failure(
            f"the download of {filename} was cut short: {str(error).splitlines()[0]}",
            "Nothing of it was kept; load again. If it stays so, the hub or a proxy serves a damaged file.",
        )
    if got_no_answer(error) and first(errors.LocalEntryNotFoundError, socket.gaierror):
        return failure(
            f"{no_folder}, {hub} cannot be reached, and {filename} is not in the cache",
            "Check the network, HF_ENDPOINT and the proxy settings.",
        )
    if got_no_answer(error):
        return failure(
            f"the connection to {hub} was lost while {filename or 'the upload'} was on its way",
            "Check the network and try again.",
        )
    if isinstance(error, errors.LocalEntryNotFoundError):
        return failure(f"{filename} is not in the cache", "Load it once with local_files_only=False.")
    return failure(str(error) or type(error).__name__, f"This happened between huggingface_hub and {hub}.")


def check_address() -> None:
    """A gaierror at once where the hub's name has no address; the client would go on trying for half a minute."""
    from urllib.parse import urlsplit
    from urllib.request import getproxies

    from huggingface_hub import constants

    hub = urlsplit(constants.ENDPOINT)
    if hub.hostname and not getproxies().keys() & {hub.scheme, "all"}:  # a proxy knows addresses of its own
        socket.getaddrinfo(hub.hostname, None)


def got_no_answer(error: BaseException) -> bool:
    """Whether the network failed: `huggingface_hub` changed its HTTP library twice, and lets its errors through."""
    from huggingface_hub import errors

    chain = list(_chain(error))
    if any(_status(link) is not None or isinstance(link, errors.OfflineModeIsEnabled) for link in chain):
        return False
    packages = {type(link).__module__.partition(".")[0].rstrip("2") for link in chain}
    failed = not packages.isdisjoint({"requests", "urllib3", "httpx", "httpcore"})
    return failed or any(isinstance(link, (ConnectionError, TimeoutError, socket.gaierror)) for link in chain)


def _status(error: BaseException) -> int | None:
    """The HTTP status that the hub answered with, if it did."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
