"""Typed values in text: found, told apart, normalised."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docproc.values import (
    Conventions,
    Money,
    conventions,
    find_values,
    parse_date,
    parse_money,
    parse_number,
    parse_percent,
    parse_time,
)


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("22/12/2017", "2017-12-22"),
        ("12/22/2017", "2017-12-22"),
        ("2017-12-22", "2017-12-22"),
        ("2017/12/22 10:15", "2017-12-22"),
        ("22.12.17", "2017-12-22"),
        ("14-MAR-18", "2018-03-14"),
        ("31Dec2017", "2017-12-31"),
        ("Issued on March 14th, 2018 in Ghent", "2018-03-14"),
        ("14th of March 2018", "2018-03-14"),
        ("14. März 2018", "2018-03-14"),
        ("1er février 2019", "2019-02-01"),
        ("3 de marzo de 2020", "2020-03-03"),
        ("29 maart 2014", "2014-03-29"),
        ("5 grudnia 2021", "2021-12-05"),
        ("17 Ağustos 2022", "2022-08-17"),
        ("2014年3月5日", "2014-03-05"),
        ("22/l2/2O17", "2017-12-22"),
        ("22 / 12 / 2017", "2017-12-22"),
        ("March 2023", "2023-03"),
        ("03/04/98", "1998-04-03"),
        ("31/02/2017", None),
        ("INV/2023/03/0008", None),
        ("10.11.12.13", None),
        ("no date", None),
    ],
)
def test_dates(written: str, iso: str | None) -> None:
    assert parse_date(written) == iso


def test_a_date_that_reads_two_ways_is_decided_by_the_document_and_says_so() -> None:
    [alone] = find_values("03/04/2018")
    assert (alone.normal, alone.sure) == ("2018-04-03", False)
    american = conventions(["Shipped 02/25/2018", "Due 03/04/2018"])
    assert american.day_first is False
    [known] = find_values("03/04/2018", american)
    assert (known.normal, known.sure) == ("2018-03-04", True)
    assert conventions(["Fremont, CA 94538", "03/04/2018"]).day_first is False
    assert conventions(["Paid 25/02/2018"]).day_first is True
    assert conventions(["nothing"]).day_first is None


def test_two_digit_years_are_not_far_in_the_future() -> None:
    assert parse_date("01/02/65") == "1965-02-01"
    assert parse_date("01/02/21") == "2021-02-01"


@pytest.mark.parametrize(
    ("written", "amount", "currency"),
    [
        ("RM 1,234.50", "1234.50", "MYR"),
        ("€ 1.234,56", "1234.56", "EUR"),
        ("1.234,56 €", "1234.56", "EUR"),
        ("CHF 1'234.50", "1234.50", "CHF"),
        ("1 234,56 kr", "1234.56", ""),
        ("Rs.1,23,456.00", "123456.00", "INR"),
        ("12,-", "12", ""),
        ("(12.50)", "-12.50", ""),
        ("12.50-", "-12.50", ""),
        ("-$12.00", "-12.00", "USD"),
        ("$-12.00", "-12.00", "USD"),
        ("12.50 CR", "-12.50", ""),
        ("12.50 DR", "12.50", ""),
        ("1O.5O", "10.50", ""),
        ("1 234 .50", "1234.50", ""),
        ("Total (3 items): USD 5", "5", "USD"),
        ("2 x 15.90", "15.90", ""),
        ("$1,939.00/-", "1939.00", "USD"),
        ("1.000.000", "1000000", ""),
    ],
)
def test_money(written: str, amount: str, currency: str) -> None:
    assert parse_money(written) == Money(Decimal(amount), currency)


def test_money_without_a_number_is_none() -> None:
    assert parse_money("Total") is None
    assert parse_money("19 %") is None


def test_a_single_separator_before_three_digits_is_read_as_the_document_writes() -> None:
    assert parse_number("1.234") == 1234
    assert parse_number("1.234", Conventions(decimal=".")) == Decimal("1.234")
    assert parse_number("1.234", Conventions(decimal=",")) == 1234
    assert parse_number("0.125") == Decimal("0.125")
    assert parse_money("$1,234", Conventions(decimal=",")) == Money(Decimal(1234), "USD")
    assert conventions(["1.234,56", "7,90"]).decimal == ","
    assert parse_money("$5.00", conventions(["all prices in CAD"])) == Money(Decimal("5.00"), "CAD")


@pytest.mark.parametrize(
    ("written", "kinds"),
    [
        ("Date: 22/12/2017 14:30:05", [("date", "2017-12-22"), ("time", "14:30:05")]),
        ("5:30 pm", [("time", "17:30")]),
        ("12 am", [("time", "00:00")]),
        ("14.30 Uhr", [("time", "14:30")]),
        ("GST 6% 0.90", [("percent", "6"), ("money", "0.90")]),
        ("Tel: 03-8724 3302", [("phone", "0387243302")]),
        ("(870)-931-0505", [("phone", "8709310505")]),
        ("+49 30 1234567", [("phone", "+49301234567")]),
        ("IBAN NL50 INGB 0683 2513 09", [("iban", "NL50INGB0683251309")]),
        ("NL50INGB0683251308", [("code", "NL50INGB0683251308")]),
        ("VAT NL810433941B01", [("vat", "NL810433941B01")]),
        ("Info@Example.com, www.example.org.", [("email", "info@example.com"), ("url", "www.example.org")]),
        ("INV/2023/03/0008", [("code", "INV/2023/03/0008")]),
        ("No. 993548900", [("number", "993548900")]),
        ("items 1, 25 and 3", [("number", "1"), ("number", "25"), ("number", "3")]),
        ("4GB", [("code", "4GB")]),
        ("plain words only", []),
    ],
)
def test_kinds(written: str, kinds: list[tuple[str, str]]) -> None:
    assert [(value.kind, value.normal) for value in find_values(written)] == kinds


def test_percent_and_time() -> None:
    assert parse_percent("VAT 19,5 % of 100") == Decimal("19.5")
    assert parse_percent("100") is None
    assert parse_time("at 9h05") == "09:05"
    assert parse_time("25:10") is None


@given(st.text(alphabet="0123456789.,/-: €$%()ABCabc\nOlI'@+\u00a0\u0660é", max_size=60))
def test_values_are_parts_of_the_text_in_order_and_apart(text: str) -> None:
    end = 0
    for value in find_values(text):
        assert end <= value.start < value.end <= len(text)
        assert value.text == text[value.start : value.end]
        assert value.normal
        end = value.end


@given(st.decimals(min_value=0, max_value=10**9, places=2), st.sampled_from([",.", ".,", " ,", "'."]))
def test_every_way_of_writing_an_amount_reads_back(amount: Decimal, marks: str) -> None:
    written = f"{amount:,.2f}".translate(str.maketrans({",": marks[0], ".": marks[1]}))
    assert parse_money(f"EUR {written}") == Money(amount, "EUR")
