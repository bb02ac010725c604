"""What the service keeps: tables, the verbs that `worker` and `web` use, files by SHA-256, search.

Every verb takes the session of the caller's transaction first, so that several of them commit together:

    with database.write() as session:
        documents.label(session, document, "invoice")
        audit.note(session, who, "document.label", document.id)

SQLAlchemy is imported only in this package and in `migrations`. No Flask, no Celery, no engine in here.
A verb never waits for anything but the database: no model runs, no file is parsed while a session is open.
"""
