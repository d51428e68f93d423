from medfake.pacs.results.uids import derived_uid, is_uid


def test_a_derived_uid_is_a_valid_one_that_depends_on_the_order_of_its_facts() -> None:
    one, other = derived_uid("a", "b"), derived_uid("b", "a")
    assert is_uid(one)
    assert one.startswith("2.25.")
    assert len(one) <= 44
    assert one == derived_uid("a", "b") != other
    assert derived_uid("ab") != derived_uid("a", "b")


def test_what_archives_can_keep_is_a_uid() -> None:
    assert is_uid("1.2.840.10008")
    assert is_uid("1." + "2" * 62)
    assert is_uid("1.02.3")
    for wrong in ("", "1.", ".1", "1..2", "1.2a", "1." + "2" * 63, "1.2\n", "١.٢", "../1"):
        assert not is_uid(wrong)
