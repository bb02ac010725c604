"""What protects browsers: cookies, proof of where a change comes from, headers; and how people get in and out."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from web_client import Service

from docproc.store import audit, sessions, tokens, users
from docproc.store.tables import DocumentRow, WebSession, utc_now
from web import security

PASSWORD = "correct horse battery"
PROOF = re.compile(r'name="csrf_token" value="(\w+)"')


@pytest.fixture
def service(database, tmp_path):
    made = Service(database, tmp_path)
    with made.database.write() as session:
        users.add(session, "ada", "admin", password_hash=users.hash_password(PASSWORD))
    yield made
    made.close()


class Browser:
    def __init__(self, service, base="http://localhost"):
        self.client, self.base = service.app.test_client(), base

    def get(self, path):
        return self.client.get(path, base_url=self.base, headers={"Accept": "text/html"})

    def send(self, path, *, page="/account", **fields):
        proof = PROOF.search(self.get(page).text)
        data = {"csrf_token": proof[1] if proof else "", **fields}
        return self.client.post(path, base_url=self.base, data=data, headers={"Accept": "text/html"})

    def sign_in(self, name="ada", password=PASSWORD, **fields):
        return self.send("/sign-in", page="/sign-in", name=name, password=password, **fields)


@pytest.fixture
def browser(service):
    return Browser(service)


@pytest.fixture
def ada(browser):
    assert browser.sign_in().status_code == 303
    return browser


def cookie_of(answer, name="docproc"):
    return next((one for one in answer.headers.getlist("Set-Cookie") if one.startswith(f"{name}=")), "")


class TestSigningIn:
    def test_name_and_password_open_the_page_that_was_asked_for(self, browser):
        asked = browser.get("/search?q=a%20b&after=1")
        assert asked.headers["Location"] == "/sign-in?next=/search?q%3Da%2520b%26after%3D1"
        answer = browser.sign_in(next="/search?q=a%20b&after=1")
        assert answer.headers["Location"] == "/search?q=a%20b&after=1"
        assert browser.get("/account").status_code == 200

    @pytest.mark.parametrize(
        "target",
        ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:1", "/\n/evil", "/\t/evil"],
    )
    def test_it_never_leads_to_another_host(self, browser, target):
        assert browser.sign_in(next=target).headers["Location"] == "/"

    def test_a_wrong_name_and_a_wrong_password_look_the_same(self, browser):
        first, second = browser.sign_in("ada", "wrong"), browser.sign_in("bob", "wrong")
        assert first.status_code == second.status_code == 401
        assert PROOF.sub("", first.text).replace("ada", "") == PROOF.sub("", second.text).replace("bob", "")
        assert not cookie_of(first)

    def test_what_was_typed_comes_back_as_text_only(self, browser):
        assert "<script>" not in browser.sign_in('"><script>alert(1)</script>', "x", next='"><script>').text

    def test_too_many_attempts_are_told_to_wait_by_every_process(self, service, browser):
        for _ in range(10):
            with service.database.write() as session:
                audit.note(session, None, sessions.FAILED, "ada", address="127.0.0.1")
        answer = browser.sign_in()
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 900
        assert "Try again in 15 minutes" in answer.text
        other = Service(service.database, service.settings.data_dir)
        assert Browser(other).sign_in().status_code == 429
        other.close()

    def test_the_cookie_is_kept_from_scripts_and_other_sites(self, browser):
        cookie = cookie_of(browser.sign_in())
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
        assert "Secure" not in cookie

    @pytest.mark.parametrize(
        ("base", "public"), [("https://localhost", ""), ("http://localhost", "https://d.example")]
    )
    def test_over_https_the_cookie_is_secure_and_bound_to_the_host(self, database, service, tmp_path, base, public):
        secure = Service(database, tmp_path, public_url=public)
        browser = Browser(secure, base)
        cookie = cookie_of(browser.sign_in(), "__Host-docproc") if not public else ""
        if public:  # the test client, like a browser, sends no Secure cookie over plain HTTP
            cookie = next(iter(browser.get("/sign-in").headers.getlist("Set-Cookie")))
        assert "Secure" in cookie.split("; ")
        assert "Domain" not in cookie
        secure.close()

    def test_a_planted_session_is_worth_nothing_after_signing_in(self, service, browser):
        with service.database.write() as session:
            eve = users.add(session, "eve", "viewer")
            planted = sessions.start(session, eve)
        for secret in ("chosen-by-an-attacker", planted):
            browser.client.set_cookie("docproc", secret)
            if secret == planted:
                browser.send("/sign-out")
                browser.client.set_cookie("docproc", "another-choice")
            answer = browser.sign_in()
            assert answer.status_code == 303
            assert secret not in cookie_of(answer)
            stranger = service.app.test_client()
            stranger.set_cookie("docproc", secret)
            assert stranger.get("/api/v1/users/me").status_code == 401

    def test_signing_out_ends_the_session_on_the_server(self, service, ada):
        secret = ada.client.get_cookie("docproc").value
        assert ada.send("/sign-out").status_code == 303
        stranger = service.app.test_client()
        stranger.set_cookie("docproc", secret)
        assert stranger.get("/api/v1/users/me").status_code == 401

    def test_signing_out_everywhere(self, service, ada):
        other = Browser(service)
        other.sign_in()
        ada.send("/sign-out", everywhere="1")
        assert other.get("/account").status_code == 303


class TestLinks:
    @pytest.fixture
    def link(self, service):
        with service.database.write() as session:
            return sessions.start(session, users.named(session, "ada"), "link")

    def test_looking_at_it_does_not_use_it_up_and_using_it_does(self, service, browser, link):
        path = f"/sign-in/link/{link}"
        for _ in range(3):
            assert browser.get(path).status_code == 200
        answer = browser.send("/sign-in/link", page=path, link=link)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        assert browser.get("/account").status_code == 200
        again = Browser(service)
        assert again.send("/sign-in/link", page=path, link=link).status_code == 401
        assert again.get("/account").status_code == 303

    def test_guessing_is_refused_and_the_page_says_nothing(self, browser):
        answer = browser.send("/sign-in/link", page="/sign-in/link/guess", link="guess")
        assert answer.status_code == 401
        assert browser.get("/sign-in/link/guess").status_code == 200


class TestAccount:
    def test_a_new_password_takes_the_old_one_and_ends_other_sessions(self, service, ada):
        other = Browser(service)
        other.sign_in()
        assert "not right" in ada.send("/account/password", old="wrong", new="a new password").text
        assert "at least 10" in ada.send("/account/password", old=PASSWORD, new="short").text
        assert ada.send("/account/password", old=PASSWORD, new="a new password").status_code == 303
        assert ada.get("/account").status_code == 200
        assert other.get("/account").status_code == 303
        assert Browser(service).sign_in(password=PASSWORD).status_code == 401
        assert Browser(service).sign_in(password="a new password").status_code == 303

    def test_wrong_old_passwords_count_as_attempts(self, ada):
        answers = [ada.send("/account/password", old="wrong", new="a new password").text for _ in range(11)]
        assert "too many attempts" not in answers[9]
        assert "too many attempts" in answers[10]

    def test_a_token_is_shown_once_and_revoked(self, service, ada):
        page = ada.send("/account/tokens", name="<b>backup</b>", scope="write", days="30").text
        token = re.search(r'value="(docproc_[\w-]+)"', page)[1]
        assert "<b>backup" not in page
        assert token not in ada.get("/account").text
        headers = {"Authorization": f"Bearer {token}"}
        client = service.app.test_client()
        assert client.get("/api/v1/users/me", headers=headers).json["scope"] == "write"
        with service.database.read() as session:
            row = tokens.listing(session)[0]
        assert timedelta(days=29) < row.expires_at - utc_now() <= timedelta(days=30)
        assert ada.send(f"/account/tokens/{row.id}/revoke").status_code == 303
        assert client.get("/api/v1/users/me", headers=headers).status_code == 401

    def test_an_admin_manages_users(self, service, ada):
        page = ada.send("/users", name="Eve", role="reviewer").text
        link = re.search(r'value="http://localhost(/sign-in/link/[\w-]+)"', page)[1]
        eve = Browser(service)
        eve.send("/sign-in/link", page=link, link=link.rpartition("/")[2])
        assert eve.get("/account").status_code == 200
        assert eve.get("/users").status_code == 403
        with service.database.read() as session:
            user_id = users.named(session, "eve").id
        assert ada.send(f"/users/{user_id}", disabled="yes").status_code == 303
        assert eve.get("/account").status_code == 303


class TestForgery:
    def test_no_change_without_proof_neither_on_pages_nor_on_the_api(self, service, ada):
        """Every route of the table that changes something, with the cookie and without the proof."""
        changing = [
            (method, re.sub(r"<[^>]*number>", "1", rule.rule))
            for rule in service.app.url_map.iter_rules()
            for method in rule.methods - {"GET", "HEAD", "OPTIONS"}
        ]
        assert len(changing) > 20
        for method, rule in changing:
            path = re.sub(r"<[^>]*>", "x", rule)
            for proof in ("", "0" * 64, "\u00e9"):
                data = {"csrf_token": proof} if not path.startswith("/api/") else None
                headers = {"X-CSRF-Token": proof} if proof.isascii() else {}
                answer = ada.client.open(path, method=method, data=data, headers=headers)
                assert answer.status_code == 403, (method, path)
                assert b"another site" in answer.data, (method, path)
        assert ada.get("/account").status_code == 200

    def test_the_proof_of_one_session_is_worth_nothing_in_another(self, service, ada):
        other = Browser(service)
        other.sign_in()
        proof = PROOF.search(other.get("/account").text)[1]
        assert ada.client.post("/sign-out", data={"csrf_token": proof}).status_code == 403

    def test_signing_in_takes_a_proof_too(self, service):
        """Else another site could sign somebody in as its own user, who then uploads to it."""
        answer = service.app.test_client().post("/sign-in", data={"name": "ada", "password": PASSWORD})
        assert answer.status_code == 403

    def test_scripts_send_it_as_a_header(self, ada):
        proof = PROOF.search(ada.get("/account").text)[1]
        answer = ada.client.post("/api/v1/tokens", json={"scope": "read"}, headers={"X-CSRF-Token": proof})
        assert answer.status_code == 201

    def test_programs_need_none(self, service, ada):
        with service.database.write() as session:
            _, token = tokens.make(session, users.named(session, "ada"), "admin")
        headers = {"Authorization": f"Bearer {token}"}
        for client in (service.app.test_client(), ada.client):
            assert client.post("/api/v1/tokens", json={"scope": "read"}, headers=headers).status_code == 201

    def test_an_empty_bearer_header_does_not_lift_it(self, ada):
        for header in ("Bearer", "Bearer ", "Basic eDp5", "bearer"):
            answer = ada.client.post("/api/v1/tokens", json={"scope": "read"}, headers={"Authorization": header})
            assert answer.status_code in (401, 403), header


class Inline(HTMLParser):
    """Finds what a strict Content-Security-Policy refuses."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        self.found += [f"{tag} {name}" for name in names if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and not names.get("src")):
            self.found.append(tag)
        for name in ("src", "href", "action"):
            if (names.get(name) or "").startswith(("http:", "https:", "//", "javascript:")):
                self.found.append(f"{tag} {name}={names[name]}")


class TestHeaders:
    def pages(self, service):
        with service.database.write() as session:
            ada = users.named(session, "ada")
            row = DocumentRow(
                owner_id=ada.id,
                sha256="0" * 64,
                filename="<script>alert(1)</script>.pdf",
                media_type="application/pdf",
                size=1,
            )
            session.add(row)
            session.flush()
        for rule in service.app.url_map.iter_rules():
            if "GET" in rule.methods and rule.endpoint != "static":
                path = rule.rule.replace("<document_id>", row.id)
                yield re.sub(r"<[^>]*>", "x", re.sub(r"<[^>]*number>", "1", path))

    def test_every_answer_has_them(self, service, ada):
        for path in [*self.pages(service), "/nowhere", "/api/v1/nowhere"]:
            for client in (ada.client, service.app.test_client()):
                answer = client.get(path, headers={"Accept": "text/html"})
                for name in security.HEADERS:
                    assert name in answer.headers, (path, name)
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                policy = answer.headers["Content-Security-Policy"]
                assert "frame-ancestors 'none'" in policy, path
                assert "script-src" in policy or "default-src 'self'" in policy, path
                assert "'unsafe-inline'" not in policy.replace("style-src 'self' 'unsafe-inline'", ""), path
                assert "unsafe-eval" not in policy

    def test_only_the_api_documentation_may_style_inline(self, service, ada):
        for path in self.pages(service):
            policy = ada.client.get(path).headers["Content-Security-Policy"]
            assert ("unsafe-inline" in policy) is (path == "/api/v1/docs"), path

    def test_no_page_has_what_the_policy_refuses(self, service, ada):
        seen = 0
        for path in self.pages(service):
            answer = ada.get(path)
            if answer.mimetype == "text/html":
                parser = Inline()
                parser.feed(answer.text)
                assert not parser.found, (path, parser.found)
                seen += 1
        assert seen >= 8

    def test_what_is_private_is_kept_by_no_cache_unless_it_says_so_itself(self, service, ada):
        for path in self.pages(service):
            cached = ada.get(path).headers["Cache-Control"]
            assert "no-store" in cached or "private" in cached or path.startswith("/api/v1/docs"), (path, cached)

    def test_over_https_browsers_are_told_to_stay_there(self, service):
        client = service.app.test_client()
        assert "max-age" in client.get("/sign-in", base_url="https://localhost").headers["Strict-Transport-Security"]
        assert "Strict-Transport-Security" not in client.get("/sign-in").headers


def test_nothing_secret_is_in_the_log_of_requests_or_in_the_audit_log(service, ada, caplog):
    caplog.set_level("DEBUG")
    ada.send("/account/password", old=PASSWORD, new="another password")
    ada.get("/sign-in/link/secret-of-a-link")
    with service.database.read() as session:
        kept = str([vars(row) for row in audit.listing(session, audit.Filter())]) + caplog.text
        digests = [row.digest for row in session.query(WebSession)]
    for secret in (
        PASSWORD,
        "another password",
        "secret-of-a-link",
        ada.client.get_cookie("docproc").value,
        *digests,
    ):
        assert secret not in kept
