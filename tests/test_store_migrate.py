import pytest
from click.testing import CliRunner
from exports_samples import scripts_page
from services import postgres_database
from sqlalchemy import inspect, select

from docproc.commands.db import command
from docproc.errors import Usage
from docproc.settings import Settings
from docproc.store import migrate, readings
from docproc.store.database import Database
from docproc.store.tables import DocumentRow, PageDoubt, PageRow, Run, User


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def empty_database(request, tmp_path):
    """A database without tables."""
    if request.param == "sqlite":
        opened = Database(Settings(data_dir=tmp_path / "new"))
        yield opened
        opened.close()
        return
    with postgres_database("migrate") as url:
        if not url:
            pytest.skip("PostgreSQL does not answer on 127.0.0.1:5432")
        opened = Database(Settings(database_url=url))
        yield opened
        opened.close()


def fill(database):
    with database.write() as session:
        session.add(User(id="ann", name="ann", role="admin"))
        session.flush()
        row = DocumentRow(owner_id="ann", sha256="a" * 64, filename="a.pdf", media_type="application/pdf", size=9)
        session.add(row)
        session.flush()
        run = Run(document_id=row.id, user_id="ann", options={})
        session.add(run)
        session.flush()
        session.add(PageRow(run_id=run.id, number=1, status="done"))
        readings.save(session, run.id, 1, scripts_page())


def test_steps_up_and_down_keep_what_lies_in_the_other_tables(empty_database):
    migrate.upgrade(empty_database)
    fill(empty_database)
    migrate.downgrade(empty_database, "0001")
    assert migrate.current(empty_database) == "0001"
    migrate.upgrade(empty_database)
    migrate.upgrade(empty_database)
    migrate.require_current(empty_database)
    with empty_database.read() as session:
        [row] = session.scalars(select(DocumentRow))
        [run] = session.scalars(select(Run))
        assert row.filename == "a.pdf"
        assert readings.load(session, run.id, 1) == scripts_page()


def test_errors_of_documents_are_added_up_when_they_are_brought_over(empty_database):
    migrate.upgrade(empty_database)
    fill(empty_database)
    with empty_database.write() as session:
        [row] = session.scalars(select(DocumentRow))
        row.run_id = "shown"
        for number, run, errors in ((1, "shown", 1.5), (2, "shown", 2.0), (3, "before", 9.0)):
            session.add(
                PageDoubt(
                    document_id=row.id,
                    number=number,
                    run_id=run,
                    revision=0,
                    words=9,
                    doubtful=1,
                    errors=errors,
                    gain=1,
                )
            )
    migrate.downgrade(empty_database, "0008")
    migrate.upgrade(empty_database)
    with empty_database.read() as session:
        assert session.scalars(select(DocumentRow)).one().errors == 3.5


def test_all_the_way_down_leaves_no_table(empty_database):
    migrate.upgrade(empty_database)
    fill(empty_database)
    migrate.downgrade(empty_database, "base")
    assert migrate.current(empty_database) is None
    assert inspect(empty_database.engine).get_table_names() == ["alembic_version"]
    migrate.upgrade(empty_database)
    migrate.require_current(empty_database)


def test_a_step_that_is_not_known_is_told(empty_database):
    migrate.upgrade(empty_database)
    with pytest.raises(Usage, match="no step"):
        migrate.downgrade(empty_database, "nope")


def test_the_command_says_where_the_database_is(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCPROC_DATA_DIR", str(tmp_path))
    run = CliRunner()

    def say(*arguments: str) -> str:
        return run.invoke(command, arguments, standalone_mode=False).output

    assert say("current") == f"none (this version needs {migrate.head()})\n"
    assert say("upgrade") == f"{migrate.head()} (newest)\n"
    assert say("downgrade", "0001", "--yes") == f"0001 (this version needs {migrate.head()})\n"
    assert run.invoke(command, ["downgrade", "base"], input="n\n").exit_code != 0
    assert say("current").startswith("0001")
