import pytest

from local.errors import StartError
from local.settings import Settings


def test_nothing_needs_to_be_set():
    settings = Settings.read({})
    assert settings.port == 8080
    assert settings.data_dir.name == ".local"
    assert settings.operator_username == "operator"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"),
        ("PORT", "70000"),
        ("WEB_WORKERS", "0"),
        ("EDGE_RATE_LIMIT", "-1"),
        ("BROKER_URL", "http://broker"),
        ("USER_DATABASE_URL", "mysql://somewhere"),
        ("TASK_DATABASE_URL", "somewhere"),
        ("OPERATOR_USERNAME", "two words"),
        ("OPERATOR_USERNAME", "olga@example.org"),
    ],
)
def test_a_bad_value_is_refused_by_name(name, value):
    with pytest.raises(StartError, match=name):
        Settings.read({name: value})


def test_an_empty_value_means_the_default():
    assert Settings.read({"PORT": "", "DATA_DIR": "", "EDGE_RATE_LIMIT": ""}) == Settings.read({})
