"""File systems of this process alone: small ones that fill up, folders that become read-only."""
import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNS = 0x20000
may_mount = False


def enter_own_namespace():
    """What is mounted from now on is seen by this process and those that it starts, and goes away with them."""
    global may_mount
    libc = ctypes.CDLL(None, use_errno=True)
    may_mount = (libc.unshare(CLONE_NEWNS) == 0 and
                 subprocess.run(["mount", "--make-rprivate", "/"], stderr=subprocess.DEVNULL).returncode == 0)


def why_not():
    return None if may_mount else "needs the right to mount file systems"


@contextlib.contextmanager
def small_disk(folder, size):
    """A file system of `size` bytes at `folder`."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextlib.contextmanager
def read_only(folder):
    """While it lasts `folder` takes no new files; files in it that are open may be written to."""
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def free_bytes(folder):
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize
