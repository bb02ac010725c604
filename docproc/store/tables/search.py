"""What full-text search looks in. Made from readings and corrections; `docproc reindex` makes it again."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Integer, Text, UniqueConstraint
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
