"""Classes of accounts: which one an account has."""

from postroom.config.classes import AccountClass, class_of


def test_accounts_whose_class_is_gone_have_the_default_one() -> None:
    default, student = AccountClass(), AccountClass(sessions=2)
    classes = {"default": default, "student": student}
    assert class_of(classes, "student") is student
    assert class_of(classes, "gone") is default
