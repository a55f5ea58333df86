"""Files become lines of text: UTF-8 with or without BOM, ended by LF or CRLF and by nothing else."""

from pathlib import Path

from xalign.errors import CorpusError

_BOM = b"\xef\xbb\xbf"


def read_text(path: Path) -> str:
    """Read a UTF-8 file; a BOM is dropped and CRLF becomes LF.

    Raises:
        CorpusError: If the bytes are not UTF-8 (the message has line and byte offset) or the file cannot be read.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path}: a file that can be read was expected, got {error.strerror or error}") from error
    return decode(raw, path).replace("\r\n", "\n")


def decode(raw: bytes, path: Path) -> str:
    """Decode bytes of a file, or say where they are not UTF-8."""
    try:
        return raw.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        offset = error.start + (len(_BOM) if raw.startswith(_BOM) else 0)
        line = raw.count(b"\n", 0, offset) + 1
        raise CorpusError(
            f"{path}, line {line}: text must be UTF-8, got byte 0x{raw[offset]:02x} at offset {offset} "
            f"({error.reason}); convert the file, for instance with iconv -t UTF-8"
        ) from error


def read_lines(path: Path) -> list[str]:
    r"""Read the lines of a file; only \n and \r\n end a line, so U+2028 or \x0b stay inside their sentence."""
    lines = read_text(path).split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def first_line(path: Path) -> str:
    """The first line of a file, good enough to look at: bytes that are no UTF-8 are replaced."""
    with path.open("rb") as file:
        return file.readline().removeprefix(_BOM).decode("utf-8", errors="replace").rstrip("\r\n")
