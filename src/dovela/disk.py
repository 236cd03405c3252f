"""What saving asks of the operating system: a lock on a folder, a flush to the disk, and errors that name the place."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from .errors import CheckpointError
from .notices import notice

try:
    import fcntl

    CAN_LOCK = True
except ImportError:  # Windows
    CAN_LOCK = False

# What file systems answer that cannot lock or flush a folder.
_UNSUPPORTED = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.ENOLCK, errno.ENOSYS}


@contextlib.contextmanager
def locked(folder: Path, *, exclusive: bool) -> Iterator[None]:
    """Hold `folder` alone, or with others who do not ask for it alone; the lock dies with its process.

    Where the platform or the file system has no such locks, this does nothing.
    """
    if not CAN_LOCK:
        yield
        return
    with readable(folder):
        descriptor = os.open(folder, os.O_RDONLY)
    mode = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    try:
        try:
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            notice(f"{folder}: waiting for another process that uses this folder")
            fcntl.flock(descriptor, mode)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # also for a child that was forked meanwhile
        os.close(descriptor)


def flush(path: Path) -> None:
    """Wait until the file, or the folder's list of names, is on the disk."""
    is_folder = path.is_dir()
    if is_folder and not CAN_LOCK:
        return
    descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not is_folder or error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """A CheckpointError for what may not be read; what is missing is the caller's to judge."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise CheckpointError(str(path), f"cannot be read ({reason(error)})") from error


def reason(error: BaseException) -> str:
    """The operating system's words for `error`, without the path."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
