import numpy as np

from medfake.dicom.window import to_grey


def test_the_lung_window_maps_its_ends_to_black_and_white() -> None:
    hu = np.array([-1351, -1350, -600, 150, 151], dtype=np.int16)
    assert to_grey(hu).tolist() == [0, 0, 128, 255, 255]
    assert to_grey(hu).dtype == np.uint8


def test_another_window_can_be_asked_for_and_the_input_stays() -> None:
    hu = np.array([[0, 100]], dtype=np.int16)
    assert to_grey(hu, low=0, high=100).tolist() == [[0, 255]]
    assert hu.tolist() == [[0, 100]]
