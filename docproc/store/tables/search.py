"""What search looks in: words and meaning. Made from readings and corrections; `docproc reindex` makes it again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from docproc.store.tables.base import Table


class SearchPage(Table):
    """The tokens of one page as it is shown. `id` grows, so that a higher one was indexed later.

    On SQLite triggers copy `tokens` (divided by spaces) into the FTS5 table `search_fts`, rowid = `id`.
    """

    __tablename__ = "search_pages"
    __table_args__ = (UniqueConstraint("document_id", "number"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    number: Mapped[int]
    tokens: Mapped[str] = mapped_column(Text().with_variant(TSVECTOR(), "postgresql"))
    shown: Mapped[bytes | None]
    """What showing a hit takes, packed (`docproc.store.search.texts`); None where an older version indexed it."""


class SearchVectors(Table):
    """The meaning of one page as it is shown: a vector for each of its passages, made by workers.

    `data` holds int8[count, 384] (`docproc.store.search.vectors` says how), None while it waits to be made.
    """

    __tablename__ = "search_vectors"
    __table_args__ = (
        Index(
            "ix_search_vectors_waiting", "id",
            sqlite_where=text("data IS NULL"), postgresql_where=text("data IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"),
        ForeignKey("search_pages.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )
    stamp: Mapped[int] = mapped_column(BigInteger)
    """By chance; another one whenever the page changes. What was made from another stamp is of no use."""
    count: Mapped[int] = mapped_column(default=0)
    data: Mapped[bytes | None]
    attempts: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None]
