"""HOST and PORT, as platforms set them, reach the server's settings."""

from __future__ import annotations

from textwright.cli.container import adopt


def test_host_and_port_get_the_names_that_the_program_reads():
    environment = {"HOST": "0.0.0.0", "PORT": "80"}  # noqa: S104
    adopt(environment)
    assert environment["TEXTWRIGHT_SERVE_HOST"] == "0.0.0.0"  # noqa: S104
    assert environment["TEXTWRIGHT_SERVE_PORT"] == "80"


def test_a_setting_by_its_own_name_wins():
    environment = {"PORT": "80", "TEXTWRIGHT_SERVE_PORT": "90", "HOST": ""}
    adopt(environment)
    assert environment == {"PORT": "80", "TEXTWRIGHT_SERVE_PORT": "90", "HOST": ""}
