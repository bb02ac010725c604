"""The report in the repository's examples: our own text about a town that does not exist."""

from __future__ import annotations

from typing import Any

from docproc.synth.report import Bullets, Chart, Figures, Report, typeset
from docproc.synth.sheet import Sheet
from docproc.synth.tables import Entry, Rows
from docproc.synth.words import Writer


def _rows(*texts: str) -> Rows:
    rows = [text.split("|") for text in texts]
    return [
        [
            Entry(cell, align="left" if column == 0 else "right", bold=number == 0 or number == len(rows) - 1)
            for column, cell in enumerate(row)
        ]
        for number, row in enumerate(rows)
    ]


REPORT = Report(
    title="Water in Millbrook: where a fifth of it goes",
    authors="Ada Lindqvist, Ruben Falk and Vera Okafor · Millbrook Water Board",
    summary=(
        "Millbrook pumped 4.1 million cubic metres of water in 2024 and billed 3.3 million. This report follows "
        "the missing fifth through pipes, meters and records, and says what finding it would cost."
    ),
    date="14 March 2025",
    note="¹ All volumes are in thousands of cubic metres unless stated otherwise.",
    sections=(
        (
            "Background",
            (
                "The town of Millbrook takes its water from two wells north of the river and from a spring at "
                "Oakhollow. Three pumping stations lift it into tanks above the town, from where it runs by "
                "its own weight to 11,240 households, 380 shops and four factories.",
                "Part of the network is old. Of its 214 kilometres of pipe, 61 were laid before 1950, most of "
                "them in cast iron. The oldest, under Tanner Street, has served since 1897 and was last opened "
                "in 1988, when the market hall was built.",
                "Every water works loses some of what it pumps. A well-kept one loses less than a tenth. In "
                "Millbrook the loss was thought to be about 12 per cent, a figure that rested on an estimate "
                "of 2009 and had never been checked.¹",
            ),
        ),
        (
            "What was measured",
            (
                "From January to December 2024 the Board read all flow meters at the tanks every fifteen "
                "minutes and compared them with the bills of the same period. In addition:",
                Bullets(
                    (
                        "forty-two noise loggers listened to the pipes at night, each for two weeks;",
                        "a sample of 600 household meters was tested on the bench;",
                        "the records of hydrants, street cleaning and the swimming pool were collected.",
                    )
                ),
                "Demand at night is the best witness. Between two and four in the morning, when hardly anybody "
                "draws water, whatever still flows into a district is mostly leakage. Figure 1 shows this flow "
                "for two districts.",
                Chart(
                    "Figure 1. Night flow in two districts, January to June 2024, in litres per minute",
                    ("Old Town", "Riverside"),
                    ((82.0, 86.0, 91.0, 64.0, 47.0, 41.0), (28.0, 27.0, 31.0, 29.0, 33.0, 30.0)),
                ),
                "In the Old Town the night flow fell by half between March and May, after two leaks under "
                "Tanner Street had been found and closed. Riverside, whose pipes are of plastic and less than "
                "thirty years old, hardly changed.",
            ),
        ),
        (
            "Results",
            (
                "The loss is larger than had been thought: 812 thousand cubic metres, or 19.8 per cent of what "
                "was pumped. Table 1 shows how it divides between the districts.",
                Figures(
                    "Table 1. Water pumped and billed in 2024, by district",
                    _rows(
                        "District|Pumped|Billed|Lost|Share",
                        "Old Town|1,120|766|354|31.6 %",
                        "Riverside|938|841|97|10.3 %",
                        "Station Hill|874|690|184|21.1 %",
                        "Oakhollow|652|569|83|12.7 %",
                        "Harbour|516|422|94|18.2 %",
                        "All|4,100|3,288|812|19.8 %",
                    ),
                ),
                "Nearly half of the loss belongs to the Old Town, which has a quarter of the customers. About "
                "two thirds of it is leakage proper. The rest never left the pipes unseen: old meters run "
                "slow, by 6 per cent on average after twenty years, and 31 thousand cubic metres went to street "
                "cleaning and fire drills without being recorded.",
                "The noise loggers found 58 leaks. Seven of them made up 70 per cent of the volume. None of "
                "the seven had been reported by the public, because the water ran into the old drains below "
                "the streets and not up to the surface.",
            ),
        ),
        (
            "How the leaks were found",
            (
                "A leak hisses. A logger the size of a drinking cup, set on a valve with a magnet, records the "
                "hiss between one and four at night, when traffic does not cover it. Where two loggers hear the "
                "same sound, the delay between them gives the place to within a metre or two.",
                "In practice it took longer. Of the 58 places marked on the map, 46 were right at the first "
                "attempt. Eight lay under tree roots or next to old drains that carried the sound away, and "
                "four turned out to be valves that had been left half closed since the works of 1988.",
                "The crew of three needed six hours on average to open, close and fill a place again. The "
                "longest repair, at the corner of Tanner Street and Mill Lane, kept the street closed for "
                "three days; the shops there were told a week before.",
            ),
        ),
        (
            "How sure the figures are",
            (
                "The tank meters were compared with a calibrated one in May and read 0.8 per cent too high. "
                "All volumes pumped have been corrected for that. Bills follow the calendar of the readers and "
                "not that of the year, so that up to 20 thousand cubic metres may belong to the year before.",
                "Old household meters are the largest doubt. The sample of 600 was drawn by lot, but 74 "
                "customers were not at home and were replaced by neighbours. If those at home use more water "
                "than those who are out, the share of slow meters is a little too high in this report.",
                "Taken together, the loss lies between 18.6 and 21.0 per cent with a probability of nine in "
                "ten. The order of the districts does not change anywhere in that range.",
            ),
        ),
        (
            "What others do",
            (
                "We asked five works of similar size how they watch their networks. All of them read the night "
                "flow; three do so every day. Two have divided their towns into districts of fewer than two "
                "thousand households, each with a meter of its own, and find a new leak within a week.",
                "Saltmere went further and lowers the pressure at night from 5.2 to 3.8 bar. Leaks that were "
                "there ran a fifth slower from the first day on, and the number of burst pipes fell from 31 to "
                "19 a year. The upper floors of the hospital needed a pump of their own, which cost £9,400.",
                "Westerby replaced all its cast iron within ten years and paid for it with a charge of 7 pence "
                "on every cubic metre. Its loss is now 8 per cent. Nobody there would do it again in so short "
                "a time: at its height the works closed eleven streets at once.",
                "For Millbrook the way of Saltmere looks best. Lower pressure needs two valves and a controller "
                "for each district, about £26,000 in all, and can be tried in Riverside without any risk.",
            ),
        ),
        (
            "Costs",
            (
                "Lost water is not only lost money. Every cubic metre costs 0.41 kilowatt hours to lift, so "
                "that the leaks of 2024 used as much power as ninety households. At the present price of power "
                "and treatment the loss costs £196,000 a year.",
                "Replacing the 4.2 kilometres of cast iron under Tanner Street and its side streets would cost "
                "£1.3 million and save, by our estimate, £84,000 a year. Permanent loggers in the Old Town cost "
                "£38,000 and would pay for themselves within the first year. New household meters pay for "
                "themselves in nine years and are best changed when they fall due.",
                Figures(
                    "Table 2. What each measure costs and saves in a year, in pounds",
                    _rows(
                        "Measure|Cost|Saves|Years",
                        "Pipes, Tanner Street|1,300,000|84,000|15.5",
                        "Loggers, Old Town|38,000|41,000|0.9",
                        "Pressure, Riverside|26,000|7,500|3.5",
                        "Household meters|212,000|23,600|9.0",
                        "All|1,576,000|156,100|10.1",
                    ),
                ),
            ),
        ),
        (
            "What we propose",
            (
                Bullets(
                    (
                        "Leave the forty-two loggers in place, and move them to Station Hill in 2026.",
                        "Replace the main under Tanner Street together with the new tramway, so that the "
                        "street is opened once.",
                        "Read the tank meters every night and publish the night flow every month.",
                        "Record the water for street cleaning and fire drills from 1 July 2025.",
                    ),
                    "1.",
                ),
                "With the first and the third step alone the loss should fall below 15 per cent by the end of "
                "2026. With all four it can reach 11 per cent by 2030, which would put Millbrook among the "
                "better third of works of its size.",
                "The trial of lower pressure in Riverside is not part of the four steps. It can begin as soon "
                "as the valves are delivered, and its result will be known after one winter.",
                "The Board will decide on 8 April 2025. Questions and remarks are welcome until then at the "
                "office in Mill Lane, by post or by telephone.",
            ),
        ),
    ),
)


def draw_example_report(document: Any, _: Writer) -> list[Sheet]:
    """Draw the report of the examples; there is nothing random in it."""
    return typeset(document, REPORT)
