"""Parts of a multipart body, written to disk as they arrive: forms of browsers (RFC 7578) and STOW-RS (PS3.18 10.5)."""

import re
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import unquote_to_bytes

from medfake.serving.service.incoming import Incoming
from medfake.serving.service.refusals import MediaTypeError, RefusalError

FORM: Final = "multipart/form-data"
RELATED: Final = "multipart/related"
DICOM: Final = "application/dicom"
ZIP: Final = ("application/zip", "application/x-zip-compressed")
_LONGEST_HEADER: Final = 8192
_MOST_HEADERS: Final = 16
_LONGEST_VALUE: Final = 4096  # bytes of a form's field that is no file
_PARAMETER: Final = re.compile(r';\s*([\w*]+)\s*=\s*("(?:\\.|[^"\\])*"|[^;\s]*)')
_ESCAPE: Final = re.compile(r'\\(["\\])')


class Parts:
    """Takes pieces of a body, in order, and makes files of its parts.

    Args:
        content_type: Of the request; multipart.
        incoming: Where files go.

    Raises:
        MediaTypeError: It has no boundary, or its parts are no DICOM.
    """

    def __init__(self, content_type: str, incoming: Incoming) -> None:
        from python_multipart.exceptions import FormParserError
        from python_multipart.multipart import MultipartParser

        kind, parameters = parse_header(content_type)
        self._related = kind == RELATED
        if self._related and parameters.get("type", DICOM).lower() != DICOM:
            raise MediaTypeError(
                f'parts of {RELATED} are {DICOM} here (PS3.18 10.5)', where="Content-Type",
                received=parameters.get("type", "")[:80],
                remedy=f'Content-Type: {RELATED}; type="{DICOM}"; boundary=...',
            )  # fmt: skip
        self._incoming = incoming
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._headers: dict[str, str] = {}
        self._file: tuple[BinaryIO, Path, str] | None = None
        self._value = 0
        self._count = 0
        self._ended = False
        self._errors = FormParserError
        try:
            self._parser = MultipartParser(
                parameters.get("boundary", "").encode("latin-1", "replace"),
                {
                    "on_part_begin": self._begin,
                    "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._open,
                    "on_part_data": self._data,
                    "on_part_end": self._close,
                    "on_end": self._end,
                },
                max_header_count=_MOST_HEADERS,
                max_header_size=_LONGEST_HEADER,
            )
        except FormParserError as error:
            raise _malformed(str(error)) from None
        if not parameters.get("boundary"):
            raise MediaTypeError(
                "a multipart body needs its boundary",
                where="Content-Type",
                remedy=f"Content-Type: {kind}; boundary=...",
            )

    def write(self, data: bytes) -> None:
        """Take a piece of the body.

        Raises:
            RefusalError: It is malformed, or over a limit.
        """
        try:
            self._parser.write(data)
        except self._errors as error:
            raise _malformed(type(error).__name__) from None

    def finish(self) -> None:
        """See that the body had an end.

        Raises:
            RefusalError: It broke off.
        """
        if not self._ended:
            raise _malformed("a body that breaks off before its last boundary")

    def close(self) -> None:
        """Let go of a file that is half there."""
        if self._file:
            self._file[0].close()
            self._file = None

    def _begin(self) -> None:
        self._headers = {}

    def _end_header(self) -> None:
        field, value = self._header
        self._headers[field.decode("latin-1").strip().lower()] = value.decode("utf-8", "surrogateescape").strip()
        self._header = (bytearray(), bytearray())

    def _open(self) -> None:
        self._value = 0
        self._count += 1
        if self._related:
            kind = parse_header(self._headers.get("content-type", DICOM))[0]
            if kind != DICOM:
                raise MediaTypeError(
                    f"parts of {RELATED} are {DICOM} here", where=f"part {self._count}", received=kind[:80],
                    remedy="send the instances alone",
                )  # fmt: skip
            self._file = self._incoming.open(f"{self._count}.dcm")
            return
        name = _file_name(self._headers.get("content-disposition", ""))
        if name is not None:
            self._file = self._incoming.open(name or f"file-{self._count}")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file:
            self._incoming.write(self._file[0], data[start:end])
            return
        self._value += end - start
        if self._value > _LONGEST_VALUE:
            raise _malformed("a long field without a file name")

    def _close(self) -> None:
        if self._file:
            file, path, name = self._file
            file.close()
            self._file = None
            self._incoming.received(path, name)

    def _end(self) -> None:
        self._ended = True


def parse_header(value: str) -> tuple[str, dict[str, str]]:
    """A header's value and its parameters, both in lower case where case says nothing."""
    kind = value.partition(";")[0].strip().lower()
    found = {}
    for name, given in _PARAMETER.findall(value):
        text = given
        if text.startswith('"'):
            text = _ESCAPE.sub(r"\1", text[1:-1])
        found[name.lower()] = text
    return kind, found


def _file_name(disposition: str) -> str | None:
    """The file name of a part, "" where a file has none; None for a field that is no file.

    Browsers write %22, %0D and %0A for what would end the name (HTML, multipart/form-data encoding algorithm), and
    backslashes as they are. "filename*" (RFC 8187) is not allowed in forms, but is sent.
    """
    _, parameters = parse_header(disposition.replace("\\", "\\\\").replace('\\\\"', '\\"'))
    extended = parameters.get("filename*")
    if extended is not None:
        encoded = extended.rpartition("'")[2]
        return unquote_to_bytes(encoded).decode("utf-8", "surrogateescape")
    name = parameters.get("filename")
    if name is None:
        return None
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _malformed(received: str) -> RefusalError:
    return RefusalError(
        "the multipart body is malformed", where="body", received=received,
        remedy="let a library make it, e.g. curl --form file=@1.dcm",
    )  # fmt: skip
