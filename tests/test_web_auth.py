"""Who may call which route. The lists are read from the route table: a new route fails until it is put into one."""

import io
import re

import pytest

from docproc.store import access, sessions, shares, tokens, users
from docproc.store.tables import DocumentRow, utc_now
from web import auth

OPEN = {
    "static": "code",
    "docs.openapi": "says nothing of what is stored",
    "docs.page": "the same",
    "docs.asset": "code",
    "health.alive": "for load balancers",
    "health.ready": "for load balancers",
    "metrics.metrics": "for Prometheus; counts without names",
    "signin.form": "how one gets in",
    "signin.sign_in": "how one gets in",
    "signin.link": "how one gets in",
    "signin.use_link": "how one gets in",
}
"""Endpoints that anybody may call, and why."""
FOR_ADMINS = {
    "audit.listing",
    "users.listing",
    "users.add",
    "users.detail",
    "users.change",
    "users.link",
    "users.sign_out",
    "people_page.index",
    "people_page.add",
    "people_page.change",
    "people_page.link",
    "status_page.index",
}
VIEWERS_CHANGE = {
    "extractions.fill_in",
    "answers.judge",
    "questions.ask",
    "questions.ask_all",
    "signin.sign_out",
    "signin.password",
    "signin.make_token",
    "signin.revoke_token",
    "tokens.make",
    "tokens.revoke",
}
"""What is not only read, and is a viewer's to do all the same: their own account."""

DOCUMENT_ROUTES = {
    "read": {
        "GET documents.detail",
        "GET documents.runs_of",
        "GET corrections.of_document",
        "GET corrections.of_page",
        "GET events.stream",
        "GET findings.listing",
        "GET findings.detail",
        "GET exports.export",
        "GET exports.original",
        "GET pages.image",
        "GET pages.reading",
        "GET pages.tile",
        "GET document_page.show",
        "GET findings_page.show",
        "GET page_page.show",
        "GET reviews.state",
        "GET questions.asked",
        "POST questions.ask",
        "GET answers.of_model",
        "PUT answers.judge",
        "DELETE answers.take_back",
        "POST extractions.fill_in",
    },
    "write": {
        "POST documents.cancel",
        "POST documents.retry",
        "POST documents.start",
        "POST corrections.correct",
        "POST corrections.undo",
        "PUT reviews.decide",
        "PUT reviews.decide_all",
        "POST reviews.assign",
        "POST reviews.assign_all",
        "POST document_page.review",
        "GET review_page.bench",
        "POST findings.ask",
        "POST findings.cancel",
        "DELETE findings.delete",
        "PUT documents.label",
        "DELETE documents.unlabel",
        "POST document_page.cancel",
        "POST findings_page.ask",
        "POST findings_page.forget",
        "POST document_page.label",
        "POST document_page.unlabel",
        "POST document_page.retry",
        "POST document_page.unlock",
    },
    "own": {
        "DELETE documents.delete",
        "PUT sharing.publish",
        "DELETE sharing.unpublish",
        "GET sharing.listing",
        "PUT sharing.give",
        "DELETE sharing.take",
        "POST document_page.discard",
        "POST share_page.give",
        "POST share_page.take",
        "POST share_page.publish",
    },
    "trash": {
        "POST documents.restore",
        "POST trash_page.restore",
        "POST trash_page.purge",
    },
}
"""What each route does with its document. "trash": what is in the trash, which only its owner knows of."""
BODIES = {
    "extractions.fill_in": {"schema": "invoice"},
    "sharing.give": {"write": True},
    "findings.ask": {"task": "caption"},
    "answers.judge": {"right": True},
    "questions.ask": {"question": "What is the total?"},
    "reviews.decide": {"verdict": "approved"},
    "reviews.decide_all": {"verdict": "approved"},
    "reviews.assign": {"reviewer": "eve"},
    "reviews.assign_all": {"reviewer": "eve"},
    "corrections.correct": [{"op": "replace", "id": "x", "text": "y"}],
}
"""What a route takes that does not take {}."""
READ = {200, 204, 404, 409}
"""Answers of routes that were let through: some find nothing in a document without pages."""
VALUES = {"level": 0, "column": 0, "row": 0, "number": 1, "name": "eve", "format": "json", "filename": "portal.css"}


@pytest.fixture
def routes(service):
    """(method, rule) of every route."""
    return [
        (method, rule)
        for rule in service.app.url_map.iter_rules()
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
    ]


def url(rule, **values):
    path = rule.rule
    for name in rule.arguments:
        path = re.sub(rf"<[^<>]*\b{name}>", str(values.get(name, VALUES.get(name, "x"))), path)
    return path


def call(client, method, rule, **values):
    body = BODIES.get(rule.endpoint, {})
    sent = {"json": body} if rule.rule.startswith("/api/") and method not in ("GET", "DELETE") else {}
    return client.ask(method, url(rule, **values), **sent)


class Caller:
    """Calls any path, pages too, by token."""

    def __init__(self, service, name, role="reviewer", scope="admin"):
        with service.database.write() as session:
            self.user = users.add(session, name, role)
            _, token = tokens.make(session, self.user, access.ROLES[role] if scope == "admin" else scope)
        self.client = service.app.test_client()
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def ask(self, method, path, **more):
        seen = {} if method == "GET" else {"If-Match": "*"}
        answer = self.client.open(path, method=method, headers=self.headers | seen, **more)
        if answer.mimetype != "text/event-stream":  # which goes on for half a minute
            answer.get_data()
        answer.close()
        return answer


def in_words(method, rule):
    return f"{method} {rule.endpoint}"


def test_whoever_is_not_signed_in_gets_nowhere(service, routes):
    client = service.app.test_client()
    for method, rule in routes:
        answer = client.open(url(rule), method=method)
        answer.close()
        if rule.endpoint in OPEN:
            assert answer.status_code != 401 or rule.endpoint.startswith("signin."), in_words(method, rule)
        elif rule.rule.startswith("/api/"):
            assert answer.status_code == 401, in_words(method, rule)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.json["code"] == "unauthenticated"
        else:
            assert answer.status_code == 303, in_words(method, rule)
            assert answer.headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "bearer docproc_" + "A" * 43, "Bearer \x00", "Basic eDp5"])
def test_a_wrong_token_gets_nowhere(service, header):
    answer = service.app.test_client().get("/api/v1/users/me", headers={"Authorization": header})
    assert answer.status_code == 401


def test_a_wrong_token_is_not_made_good_by_a_cookie(service):
    caller = Caller(service, "ada")
    with service.database.write() as session:
        caller.client.set_cookie("docproc", sessions.start(session, caller.user))
    assert caller.client.get("/api/v1/users/me").status_code == 200
    headers = {"Authorization": "Bearer docproc_wrong"}
    assert caller.client.get("/api/v1/users/me", headers=headers).status_code == 401


def test_roles_and_scopes_reach_as_far_as_they_should(service, routes):
    callers = {
        "viewer": Caller(service, "vera", "viewer"),
        "reviewer": Caller(service, "rita", "reviewer"),
        "admin": Caller(service, "ada", "admin"),
        "admin reading": Caller(service, "alan", "admin", "read"),
        "admin writing": Caller(service, "abel", "admin", "write"),
    }
    for method, rule in routes:
        if rule.endpoint in OPEN:
            continue
        for who, caller in callers.items():
            is_admin, writes = who == "admin", who not in ("viewer", "admin reading")
            refused = call(caller, method, rule).status_code == 403
            if rule.endpoint in FOR_ADMINS:
                assert refused is not is_admin, (who, in_words(method, rule))
            elif rule.endpoint in VIEWERS_CHANGE:
                pass  # for persons; below
            elif method != "GET":
                assert refused is not writes, (who, in_words(method, rule))
            else:
                assert writes or rule.endpoint == "sharing.listing" or not refused, (who, in_words(method, rule))


def test_every_route_with_a_document_is_in_one_list(routes):
    found = {in_words(method, rule) for method, rule in routes if "document_id" in rule.arguments}
    listed = [route for group in DOCUMENT_ROUTES.values() for route in group]
    assert len(listed) == len(set(listed))
    assert found == set(listed), "say in DOCUMENT_ROUTES what a new route does with its document"


def document_of(service, owner, *, trashed=False):
    stored = service.app.extensions["docproc"].files.put(io.BytesIO(b"%PDF-"), limit=10)
    with service.database.write() as session:
        row = DocumentRow(
            owner_id=owner.user.id, sha256=stored.sha256, filename="a.pdf", media_type="application/pdf", size=1
        )
        row.deleted_at = utc_now() if trashed else None
        row.status = "done"
        session.add(row)
        session.flush()
        return row


@pytest.mark.parametrize("kind", DOCUMENT_ROUTES)
def test_nobody_reaches_the_documents_of_others(service, routes, kind):
    """Strangers learn nothing; who may read may not change; who may change may not give away."""
    people = [Caller(service, name) for name in ("stranger", "reader", "writer", "owner")]
    stranger, reader, writer, owner = people
    expected = {
        "read": {"reader": READ, "writer": READ},
        "write": {"reader": {403}, "writer": set()},
        "own": {"reader": {403}, "writer": {403}},
        "trash": {"reader": {404}, "writer": {404}},
    }[kind]
    tried = [(method, rule) for method, rule in routes if in_words(method, rule) in DOCUMENT_ROUTES[kind]]
    for method, rule in tried:
        row = document_of(service, owner, trashed=kind == "trash")
        with service.database.write() as session:
            shares.give(session, row, "reader", may_write=False)
            shares.give(session, row, "writer", may_write=True)
        what = in_words(method, rule)
        hidden = call(stranger, method, rule, document_id=row.id)
        missing = call(stranger, method, rule, document_id="0" * 28)
        assert hidden.status_code == missing.status_code == 404, (what, hidden.status_code)
        assert without_id(hidden.json) == without_id(missing.json), what
        assert call(reader, method, rule, document_id=row.id).status_code in expected["reader"], what
        answer = call(writer, method, rule, document_id=row.id)
        assert answer.status_code in expected["writer"] or (kind == "write" and answer.status_code not in {401, 403})
        assert call(owner, method, rule, document_id=row.id).status_code not in {401, 403, 500}, what


def without_id(problem):
    return {key: value for key, value in problem.items() if key != "request_id"}


def test_what_is_public_is_read_by_all_and_changed_by_none(service, routes):
    owner, other = Caller(service, "owner"), Caller(service, "other")
    row = document_of(service, owner)
    with service.database.write() as session:
        session.get_one(DocumentRow, row.id).public = True
    assert other.ask("GET", f"/api/v1/documents/{row.id}").status_code == 200
    assert other.ask("DELETE", f"/api/v1/documents/{row.id}").status_code == 403
    assert other.ask("GET", f"/api/v1/documents/{row.id}/shares").status_code == 403


def test_sharing_over_the_api(service):
    owner, eve = Caller(service, "owner"), Caller(service, "eve")
    path = f"/api/v1/documents/{document_of(service, owner).id}"
    assert eve.ask("GET", path).status_code == 404
    assert owner.ask("PUT", f"{path}/shares/eve", json={}).json == {"name": "eve", "write": False}
    assert eve.ask("GET", path).status_code == 200
    assert owner.ask("PUT", f"{path}/public").status_code == 204
    listed = owner.ask("GET", f"{path}/shares").json
    assert listed == {"public": True, "items": [{"name": "eve", "write": False}]}
    assert owner.ask("DELETE", f"{path}/public").status_code == 204
    assert owner.ask("DELETE", f"{path}/shares/eve").status_code == 204
    assert eve.ask("GET", path).status_code == 404
    assert owner.ask("PUT", f"{path}/shares/nobody", json={}).status_code == 404


def test_tokens_over_the_api_are_made_by_admins_tokens_and_people_only(service):
    admin, eve = Caller(service, "ada", "admin"), Caller(service, "eve")
    assert eve.ask("POST", "/api/v1/tokens", json={"scope": "read"}).status_code == 403
    assert eve.ask("POST", "/account/tokens", data={"scope": "write"}).status_code == 403
    assert eve.ask("POST", "/account/password", data={"new": "a long password"}).status_code == 403
    made = admin.ask("POST", "/api/v1/tokens", json={"scope": "read", "user_id": eve.user.id, "days": 1})
    assert made.status_code == 201
    headers = {"Authorization": f"Bearer {made.json['token']}"}
    client = service.app.test_client()
    me = client.get("/api/v1/users/me", headers=headers).json
    assert me == {"id": eve.user.id, "name": "eve", "role": "reviewer", "scope": "read"}
    assert made.json["token"] not in admin.ask("GET", f"/api/v1/tokens?user_id={eve.user.id}").text
    assert eve.ask("GET", f"/api/v1/tokens?user_id={admin.user.id}").status_code == 403
    assert admin.ask("DELETE", f"/api/v1/tokens/{made.json['id']}").status_code == 204
    assert client.get("/api/v1/users/me", headers=headers).status_code == 401


def test_users_and_the_log_over_the_api(service):
    admin = Caller(service, "ada", "admin")
    eve = admin.ask("POST", "/api/v1/users", json={"name": "Eve", "role": "viewer"}).json
    assert (eve["name"], eve["has_password"]) == ("eve", False)
    assert admin.ask("POST", "/api/v1/users", json={"name": "eve", "role": "viewer"}).status_code == 409
    weak = admin.ask("POST", "/api/v1/users", json={"name": "bob", "role": "viewer", "password": "short"})
    assert (weak.status_code, weak.json["code"]) == (422, "bad-password")
    link = admin.ask("POST", f"/api/v1/users/{eve['id']}/links").json["url"]
    assert re.fullmatch(r"http://localhost/sign-in/link/[\w-]{43}", link)
    assert admin.ask("PATCH", f"/api/v1/users/{eve['id']}", json={"disabled": True}).json["disabled"]
    assert admin.ask("PATCH", f"/api/v1/users/{admin.user.id}", json={"role": "viewer"}).status_code == 409
    log = admin.ask("GET", "/api/v1/audit?action=user.&limit=2").json
    assert [item["action"] for item in log["items"]] == ["user.change", "user.link"]
    rest = admin.ask("GET", f"/api/v1/audit?action=user.&after={log['next']}").json
    assert [item["action"] for item in rest["items"]] == ["user.add"]
    assert rest["next"] is None
    assert rest["items"][0]["user_id"] == admin.user.id


def test_a_users_role_counts_from_the_next_request_on(service):
    Caller(service, "ada", "admin")
    eve = Caller(service, "eve", "admin")
    assert eve.ask("GET", "/api/v1/users").status_code == 200
    with service.database.write() as session:
        users.change_role(session, users.get(session, eve.user.id), "viewer")
    assert eve.ask("GET", "/api/v1/users").status_code == 403


def test_a_token_writes_down_its_use_once_a_minute(service):
    eve = Caller(service, "eve")
    eve.ask("GET", "/api/v1/users/me")
    with service.database.read() as session:
        first = tokens.listing(session, eve.user.id)[0].used_at
    eve.ask("GET", "/api/v1/users/me")
    with service.database.read() as session:
        assert tokens.listing(session, eve.user.id)[0].used_at == first is not None


def test_views_say_what_they_need_by_their_method_unless_marked(service):
    app = service.app
    assert auth.needed(app, "documents.listing", "GET") == "read"
    assert auth.needed(app, "upload.upload", "POST") == "write"
    assert auth.needed(app, "users.listing", "GET") == "admin"
