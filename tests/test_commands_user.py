import pytest
from click.testing import CliRunner
from sqlalchemy import select

from docproc.commands.user import command
from docproc.errors import Conflict, Forbidden, Rejected
from docproc.store import sessions, tokens
from docproc.store.tables import AuditRow, Token, User

PASSWORD = "correct horse battery"


@pytest.fixture
def call(database, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCPROC_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DOCPROC_DATABASE_URL", database.url.render_as_string(hide_password=False))

    def run(*arguments, given=None):
        return CliRunner().invoke(command, arguments, input=given, catch_exceptions=True)

    return run


def test_a_user_gets_a_link_and_a_program_a_token_alone_on_stdout(database, call):
    link = call("add", "Ada", "--role", "admin").stdout.strip()
    assert link.startswith("http://127.0.0.1:8000/sign-in/link/")
    token = call("token", "--scope", "write").stdout
    with database.write() as session:
        assert sessions.redeem(session, link.rpartition("/")[2])
        assert tokens.find(session, token.removesuffix("\n")).who.scope == "write"
        assert {row.action for row in session.scalars(select(AuditRow))} >= {"user.add", "token.make"}
        assert token.strip() not in str([vars(row) for row in session.scalars(select(AuditRow))])


def test_a_link_leads_to_where_the_service_was_started_last(call, tmp_path):
    (tmp_path / sessions.SERVED).write_text("http://127.0.0.1:8765")
    assert call("add", "ada", "--role", "admin").stdout.startswith("http://127.0.0.1:8765/sign-in/link/")


def test_passwords_come_from_stdin_or_a_prompt(database, call):
    assert call("add", "ada", "--role", "viewer", "--password-stdin", given=PASSWORD + "\n").stdout == ""
    assert call("password", "ada", given=f"{PASSWORD}2\n{PASSWORD}2\n").exit_code == 0
    assert sessions.sign_in(database, "ada", PASSWORD + "2", "192.0.2.1").secret
    assert isinstance(call("add", "eve", "--role", "viewer", "--password-stdin", given="x\n").exception, Rejected)


def test_roles_and_disabling(database, call):
    call("add", "ada", "--role", "admin")
    call("add", "eve", "--role", "viewer")
    assert isinstance(call("disable", "ada").exception, Conflict)
    assert isinstance(call("token", "--user", "eve", "--scope", "write").exception, Forbidden)
    assert call("role", "eve", "--role", "admin").exit_code == 0
    assert isinstance(call("token", "--scope", "read").exception, Conflict)
    assert call("disable", "eve").exit_code == 0
    assert isinstance(call("link", "eve").exception, Conflict)
    assert call("list").stdout == "ada\tadmin\tlink or token\neve\tadmin\tdisabled\n"
    assert call("enable", "eve").exit_code == 0


def test_a_forgotten_password_ends_with_a_link(database, call):
    call("add", "ada", "--role", "admin", "--password-stdin", given=PASSWORD + "\n")
    secret = sessions.sign_in(database, "ada", PASSWORD, "192.0.2.1").secret
    assert call("link", "ada", "--forget-password").exit_code == 0
    assert not signed_in(database, secret)
    assert not sessions.sign_in(database, "ada", PASSWORD, "192.0.2.1").secret
    with database.read() as session:
        assert session.scalars(select(User)).one().password_hash is None
        assert not session.scalars(select(Token)).all()


def signed_in(database, secret):
    with database.read() as session:
        return sessions.find(session, secret)
