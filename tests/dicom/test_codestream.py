import struct

from medfake.dicom.codestream import frame_shape


def jpeg(*segments: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(segments)


def start_of_frame(rows: int, cols: int) -> bytes:
    return b"\xff\xc3" + struct.pack(">HBHHB", 11, 16, rows, cols, 1) + bytes(3)


def size_of_jpeg_2000(rows: int, cols: int) -> bytes:
    return b"\xff\x4f\xff\x51" + struct.pack(">HH8IH", 41, 0, cols, rows, 0, 0, cols, rows, 0, 0, 1) + bytes(3)


def test_a_frame_says_its_size() -> None:
    assert frame_shape(jpeg(start_of_frame(512, 256))) == (512, 256, 1)
    assert frame_shape(size_of_jpeg_2000(512, 256)) == (512, 256, 1)


def test_a_comment_of_a_jpeg_file_cannot_speak_for_its_size() -> None:
    small = size_of_jpeg_2000(16, 12)
    comment = b"\xff\xfe" + struct.pack(">H", len(small) + 2) + small
    assert frame_shape(jpeg(comment, start_of_frame(65535, 65535))) == (65535, 65535, 1)
