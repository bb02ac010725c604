import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from docproc.errors import Conflict, Forbidden, NotFound, Rejected, Unavailable
from docproc.store import audit, sessions, tokens, users
from docproc.store.tables import AuditRow, WebSession, utc_now

PASSWORD = "correct horse battery"
LIGHT = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
def ada(database):
    with database.write() as session:
        return users.add(session, "Ada", "admin", password_hash=users.hash_password(PASSWORD))


@pytest.fixture
def signed(database, ada):
    def attempt(name="ada", password=PASSWORD, address="192.0.2.1"):
        return sessions.sign_in(database, name, password, address)

    return attempt


def row_of(database, secret):
    with database.read() as session:
        return session.get(WebSession, tokens.digest(secret))


class TestUsers:
    def test_names_that_differ_in_case_are_one(self, database):
        with database.write() as session:
            users.add(session, " Ada ", "viewer")
            assert users.named(session, "ADA").name == "ada"
            with pytest.raises(Conflict):
                users.add(session, "aDa", "viewer")

    @pytest.mark.parametrize("name", ["", "a b", "a" * 65, "a/b", "<b>", "a\n"[:1] + "\x00"])
    def test_other_names_are_refused(self, database, name):
        with database.write() as session, pytest.raises(Rejected):
            users.add(session, name, "viewer")

    def test_the_last_admin_stays(self, database):
        with database.write() as session:
            ada, eve = users.add(session, "ada", "admin"), users.add(session, "eve", "admin")
            with pytest.raises(Conflict):
                users.only_admin(session)
            users.disable(session, eve)
            assert users.only_admin(session) is ada
            for change in (lambda: users.disable(session, ada), lambda: users.change_role(session, ada, "viewer")):
                with pytest.raises(Conflict):
                    change()
            users.change_role(session, eve, "viewer")
            users.enable(eve)
            assert eve.role == "viewer"

    def test_two_admins_cannot_remove_each_other_at_once(self, database):
        with database.write() as session:
            ids = [users.add(session, name, "admin").id for name in ("ada", "eve")]
        both, told = threading.Barrier(2), []

        def remove(user_id):
            both.wait()
            try:
                with database.write() as session:
                    users.disable(session, users.get(session, user_id))
            except Conflict as error:
                told.append(error)

        threads = [threading.Thread(target=remove, args=[one]) for one in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(told) == 1
        with database.read() as session:
            users.only_admin(session)


class TestPasswords:
    @pytest.mark.parametrize("password", ["", "short", "x" * 1001])
    def test_too_short_or_endless_is_refused(self, password):
        with pytest.raises(Rejected, match="at least 10"):
            users.hash_password(password)

    def test_the_name_is_no_password(self):
        with pytest.raises(Rejected):
            users.hash_password("Ada.Lovelace", name="ada.lovelace")

    def test_it_is_argon2id_and_salted(self, ada):
        first, second = users.hash_password(PASSWORD), users.hash_password(PASSWORD)
        assert first.startswith("$argon2id$")
        assert first != second

    def test_letters_count_however_they_are_composed(self, ada):
        assert users.matches(users.hash_password("café au lait"), "cafe\u0301 au lait")

    def test_an_unknown_user_costs_as_much_as_a_wrong_password(self, ada, signed, monkeypatch):
        verified = []
        real = users._HASHER

        class Counting:
            hash = staticmethod(real.hash)
            check_needs_rehash = staticmethod(real.check_needs_rehash)

            def verify(self, hashed, password):
                verified.append(hashed.split("$")[3])  # the parameters, which the time depends on
                return real.verify(hashed, password)

        monkeypatch.setattr(users, "_HASHER", Counting())
        assert not signed("ada", "wrong").secret
        assert not signed("nobody", "wrong").secret
        assert len(verified) == 2
        assert verified[0] == verified[1]

    def test_few_are_hashed_at_a_time(self, ada, monkeypatch):
        monkeypatch.setattr(users, "PATIENCE", 0.01)
        monkeypatch.setattr(users, "_TURNS", threading.BoundedSemaphore(1))
        with users._turn(), pytest.raises(Unavailable):
            users.matches(ada.password_hash, PASSWORD)
        assert users.matches(ada.password_hash, PASSWORD)

    def test_the_password_of_nobody_lets_nobody_in(self, ada, database, signed):
        with database.write() as session:
            users.add(session, "eve", "viewer")
        assert not signed("eve", "").secret

    def test_a_hash_with_old_parameters_is_made_again(self, ada, database, signed):
        with database.write() as session:
            old = users.get(session, ada.id).password_hash = LIGHT.hash(PASSWORD)
        assert signed().secret
        with database.read() as session:
            assert users.get(session, ada.id).password_hash != old
        assert signed().secret


class TestSessions:
    def test_signing_in_gives_a_new_secret_each_time_and_keeps_its_hash_only(self, database, ada, signed):
        secrets = {signed().secret, signed(" ADA").secret}
        assert len(secrets) == 2
        assert all(len(secret) >= 43 for secret in secrets)
        with database.read() as session:
            assert {row.digest for row in session.scalars(select(WebSession))} == {*map(tokens.digest, secrets)}
            for secret in secrets:
                found = sessions.find(session, secret)
                assert found
                assert found.who == users.principal(ada)

    def test_a_session_slides_while_it_is_used_and_ends_at_last(self, database, ada, signed):
        secret = signed().secret
        for age, over in ((timedelta(days=1), False), (timedelta(days=89), False), (timedelta(days=90), True)):
            with database.write() as session:
                row = session.get(WebSession, tokens.digest(secret))
                row.created_at = utc_now() - age
                row.expires_at = utc_now() + timedelta(days=1)
                sessions.slide(session, secret)
                assert (row.expires_at <= utc_now()) is over
                assert row.expires_at <= row.created_at + sessions.LONGEST

    def test_it_is_prolonged_once_an_hour(self, database, ada, signed):
        secret = signed().secret
        with database.write() as session:
            assert not sessions.find(session, secret).stale
            session.get(WebSession, tokens.digest(secret)).expires_at -= timedelta(hours=1)
            assert sessions.find(session, secret).stale
            sessions.slide(session, secret)
            assert not sessions.find(session, secret).stale

    def test_over_unknown_or_disabled_is_nobody(self, database, ada, signed):
        secret, other = signed().secret, signed().secret
        with database.write() as session:
            session.get(WebSession, tokens.digest(secret)).expires_at = utc_now()
            assert sessions.find(session, secret) is None
            assert sessions.find(session, "") is None
            assert sessions.find(session, tokens.digest(other)) is None
            users.get(session, ada.id).disabled_at = utc_now()
            session.flush()
            assert sessions.find(session, other) is None

    def test_disabling_ends_all_sessions_for_good(self, database, ada, signed):
        secret = signed().secret
        with database.write() as session:
            users.add(session, "eve", "admin")
            user = users.get(session, ada.id)
            users.disable(session, user)
            users.enable(user)
            assert sessions.find(session, secret) is None

    def test_signing_out_everywhere_but_here(self, database, ada, signed):
        here, there = signed().secret, signed().secret
        with database.write() as session:
            link = sessions.start(session, users.get(session, ada.id), "link")
            sessions.end_all(session, ada.id, but=here)
        assert row_of(database, here)
        assert not row_of(database, there)
        assert not row_of(database, link)


class TestLinks:
    def test_a_link_signs_in_once(self, database, ada):
        with database.write() as session:
            link = sessions.start(session, ada, "link")
            assert sessions.find(session, link) is None
        with database.write() as session:
            secret = sessions.redeem(session, link)
            assert sessions.find(session, secret).who.name == "ada"
        with database.write() as session:
            assert sessions.redeem(session, link) is None
            assert sessions.redeem(session, secret) is None

    def test_of_many_at_once_one_gets_in(self, database, ada):
        with database.write() as session:
            link = sessions.start(session, users.get(session, ada.id), "link")
        got, start = [], threading.Barrier(8)

        def use():
            start.wait()
            with database.write() as session:
                got.append(sessions.redeem(session, link))

        threads = [threading.Thread(target=use) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len([secret for secret in got if secret]) == 1

    def test_an_old_link_is_worth_nothing(self, database, ada):
        with database.write() as session:
            link = sessions.start(session, ada, "link")
            session.get(WebSession, tokens.digest(link)).expires_at = utc_now()
            session.flush()
            assert sessions.redeem(session, link) is None


class TestTokens:
    def test_only_its_hash_is_kept(self, database, ada):
        with database.write() as session:
            row, secret = tokens.make(session, ada, "read", name="backup")
            assert secret.startswith("docproc_")
            assert len(secret) > 40
            assert row.digest == tokens.digest(secret)
            assert secret not in str(vars(row))
            assert tokens.find(session, secret).who.scope == "read"

    def test_a_changed_letter_a_hash_and_nothing_are_no_token(self, database, ada):
        with database.write() as session:
            row, secret = tokens.make(session, ada, "read")
            for wrong in (secret[:-1], secret[:-1] + ("A" if secret[-1] != "A" else "B"), row.digest, "", "docproc_"):
                assert tokens.find(session, wrong) is None

    def test_digests_are_compared_in_constant_time(self, database, ada, monkeypatch):
        compared = []
        monkeypatch.setattr(tokens.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or a == b)
        with database.write() as session:
            _, secret = tokens.make(session, ada, "read")
            tokens.find(session, secret)
        assert compared == [(tokens.digest(secret), tokens.digest(secret))]

    def test_a_token_never_exceeds_its_users_role(self, database, ada):
        with database.write() as session:
            users.add(session, "root", "admin")
            eve = users.add(session, "eve", "viewer")
            with pytest.raises(Forbidden):
                tokens.make(session, eve, "write")
            _, secret = tokens.make(session, users.get(session, ada.id), "admin")
            users.change_role(session, users.get(session, ada.id), "viewer")
            assert not tokens.find(session, secret).who.may("write")

    def test_revoked_expired_or_disabled_is_nobody(self, database, ada):
        with database.write() as session:
            ada = users.get(session, ada.id)
            revoked, first = tokens.make(session, ada, "read")
            _, second = tokens.make(session, ada, "read", expires_at=utc_now() - timedelta(seconds=1))
            _, third = tokens.make(session, ada, "read", expires_at=utc_now() + timedelta(days=1))
            tokens.revoke(session, users.principal(ada), revoked.id)
            assert [bool(tokens.find(session, one)) for one in (first, second, third)] == [False, False, True]
            ada.disabled_at = utc_now()
            session.flush()
            assert tokens.find(session, third) is None

    def test_only_ones_own_are_revoked_unless_admin(self, database, ada):
        with database.write() as session:
            eve = users.add(session, "eve", "reviewer")
            row, _ = tokens.make(session, users.get(session, ada.id), "read")
            with pytest.raises(NotFound):
                tokens.revoke(session, users.principal(eve), row.id)
            own, _ = tokens.make(session, eve, "read")
            tokens.revoke(session, users.principal(ada), own.id)
            assert [one.id for one in tokens.listing(session)] == [row.id]

    def test_last_use_is_kept_to_the_minute(self, database, ada):
        with database.write() as session:
            row, secret = tokens.make(session, ada, "read")
            assert tokens.find(session, secret).stale
            tokens.touch(session, row.id)
            assert not tokens.find(session, secret).stale
            row.used_at = utc_now() - timedelta(seconds=61)
            session.flush()
            assert tokens.find(session, secret).stale


class TestLimit:
    def test_after_ten_wrong_passwords_even_the_right_one_waits(self, database, ada, signed):
        assert [signed(password="wrong").wait for _ in range(10)] == [0] * 10
        result = signed()
        assert not result.secret
        assert 1 <= result.wait <= 15 * 60
        assert signed(address="198.51.100.7").secret, "others may not lock somebody out"

    def test_attempts_at_the_same_moment_are_counted_too(self, database, ada, signed):
        with ThreadPoolExecutor(20) as pool:
            results = list(pool.map(lambda _: signed(password="wrong"), range(40)))
        refused = sum(result.wait > 0 for result in results)
        assert refused >= (30 if database.is_sqlite else 20)

    def test_it_ends_when_the_oldest_is_past(self, database, ada, signed):
        for _ in range(10):
            signed(password="wrong")
        with database.write() as session:
            oldest = session.scalars(select(AuditRow).where(AuditRow.action == sessions.FAILED)).first()
            oldest.at -= sessions.WINDOW
        assert signed().secret

    def test_one_address_cannot_try_many_names_nor_many_addresses_one(self, database, ada, signed):
        for number in range(100):
            failed(database, f"user{number % 50}", "2001:db8::1")
            failed(database, "grace", f"198.51.100.{number}")
        assert signed("somebody", address="2001:db8::2").wait, "the same /64"
        assert signed("grace", address="203.0.113.1").wait
        assert not signed("somebody", address="2001:db8:0:1::1").wait

    def test_what_was_typed_is_not_kept_beyond_a_name(self, database, ada, signed):
        signed("x" * 10_000, "wrong password typed")
        with database.read() as session:
            row = session.scalars(select(AuditRow)).one()
            assert len(row.target) <= audit.LONGEST
            assert "wrong" not in str(vars(row))


def failed(database, name, address):
    with database.write() as session:
        audit.note(session, None, sessions.FAILED, name, address=sessions.network(address))


class TestAudit:
    def test_the_log_is_listed_newest_first_by_what_is_asked(self, database, ada):
        with database.write() as session:
            for number in range(5):
                audit.note(session, users.principal(ada), f"document.{'a%'[number % 2]}", f"doc{number}")
                session.flush()
                time.sleep(0.002)  # ids sort by the millisecond
            everything = audit.listing(session, audit.Filter())
            assert [row.target for row in everything] == ["doc4", "doc3", "doc2", "doc1", "doc0"]
            page = audit.listing(session, audit.Filter(), after=everything[1].id, limit=2)
            assert [row.target for row in page] == ["doc2", "doc1"]
            assert len(audit.listing(session, audit.Filter(action="document.%"))) == 2
            assert len(audit.listing(session, audit.Filter(target="doc1", user_id=ada.id))) == 1
            assert not audit.listing(session, audit.Filter(user_id="nobody"))
