"""A filter of system calls: what lies beyond the sandbox's limits is not to be asked of the kernel at all.

Namespaces of one's own would bring file systems without a limit and processes that nobody counts; keyrings outlive the sandbox
and are shared with the next one; memory behind a descriptor belongs to no process. The rest is what no lab needs.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

#: Numbers of system calls on the machines that the course knows (the last ones are the same everywhere).
_NEW = {
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "io_uring_setup": 425,
    "mount_setattr": 442, "memfd_secret": 447,
}  # fmt: skip
_DENIED = {
    "x86_64": {
        "shmget": 29, "msgget": 68, "semget": 64, "pivot_root": 155, "mount": 165, "umount2": 166, "add_key": 248,
        "request_key": 249, "keyctl": 250, "unshare": 272, "perf_event_open": 298, "open_by_handle_at": 304, "setns": 308,
        "memfd_create": 319, "bpf": 321, "userfaultfd": 323, **_NEW,
    },
    "aarch64": {
        "shmget": 194, "msgget": 186, "semget": 190, "pivot_root": 41, "mount": 40, "umount2": 39, "add_key": 217,
        "request_key": 218, "keyctl": 219, "unshare": 97, "perf_event_open": 241, "open_by_handle_at": 265, "setns": 268,
        "memfd_create": 279, "bpf": 280, "userfaultfd": 282, **_NEW,
    },
}  # fmt: skip
_MACHINE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
#: The flags of clone(2) that make a namespace.
_NAMESPACES = 0x7E020000
#: Numbers from here on are the x32 calls of x86_64: the same calls under other numbers.
_X32 = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_OF, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2


def known() -> bool:
    """Whether there is a filter for this kind of machine."""
    return platform.machine() in _DENIED


def program(machine: str) -> bytes:
    """The filter as the kernel reads it: classic BPF over `struct seccomp_data`, eight bytes an instruction."""
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    steps = [
        (_LOAD, 0, 0, 4),  # the machine that the call is made for
        (_EQUAL, 1, 0, _MACHINE[machine]),
        refuse,
        (_LOAD, 0, 0, 0),  # the call's number
        (_AT_LEAST, 0, 1, _X32),
        refuse,
    ]
    for number in _DENIED[machine].values():
        steps += [(_EQUAL, 0, 1, number), refuse]
    steps += [
        (_EQUAL, 0, 4, _CLONE[machine]),
        (_LOAD, 0, 0, 16),  # its flags
        (_ANY_OF, 0, 1, _NAMESPACES),
        refuse,
        (_RETURN, 0, 0, _ALLOW),
        # Its flags are in memory, where a filter cannot look; the C library goes on with clone.
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def restrict() -> None:
    """Put the filter on this process and all that it will start. It must have given up new privileges before.

    Raises:
        OSError: the kernel does not take it.
    """
    steps = program(platform.machine())
    filter_ = _Program(len(steps) // 8, steps)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(filter_), 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, f"seccomp: {os.strerror(code)}")
