"""Makes the int8 recogniser that ships with docproc: `python -m docproc.learn.quantize`.

PP-OCRv6 small recognition from the `rapidocr` wheel, quantised after training (weights per channel, activations
symmetric or not as fits) by NNCF on lines that this project draws itself: documents of `docproc.synth`, and lines
in scripts that those do not have. No labelled document is looked at. Deterministic by SEED.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pymupdf

from docproc.engines.ppocr import QUICK, Detector, cut_line, padded, wheel_model
from docproc.engines.rapid import DETECTION_SIDE, SQUEEZE
from docproc.raster import Pixels
from docproc.synth.kinds import draw
from docproc.synth.labels import scans

SEED = 7
LINES = 320
OPSET = 13
"""The first ONNX opset that can scale weights per channel."""
KINDS = ("print", "report", "invoice", "table", "small-print", "faint", "fax", "skewed")
OTHERS = (
    "съешь ещё этих мягких французских булок да выпей чаю договор счёт оплата сумма 2024",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία άνθρωπος λόγος τιμή ποσό σύνολο ημερομηνία",
    "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生发票金额合计日期",
    "あいうえおかきくけこさしすせそたちつてとなにぬねのアイウエオカキクケコ日本語東京請求書金額合計",
    "가나다라마바사아자차카타파하 대한민국 서울 영수증 합계 금액 날짜 번호",
)
"""Letters of the scripts that the drawn documents lack."""


def main() -> None:
    """Write QUICK."""
    import nncf  # noqa: PLC0415  (the extra `learn`)
    import onnx  # noqa: PLC0415

    lines = [padded(line) for line in _lines()]
    random.Random(SEED).shuffle(lines)  # noqa: S311
    model = onnx.version_converter.convert_version(onnx.load(wheel_model("PP-OCRv6_rec_small.onnx")), OPSET)
    name = model.graph.input[0].name
    dataset = nncf.Dataset(lines[:LINES], lambda line: {name: line})
    made = nncf.quantize(model, dataset, subset_size=LINES, preset=nncf.QuantizationPreset.MIXED)
    QUICK.parent.mkdir(exist_ok=True)
    onnx.save(made, QUICK)
    print(f"{QUICK}: {QUICK.stat().st_size / 1e6:.1f} MB from {min(LINES, len(lines))} lines")


def _lines() -> Iterator[Pixels]:
    """Yield line crops, uint8[48, W, 3], cut as the engine cuts them."""
    detector = Detector(0)
    for pixels in _pages():
        for quad in detector.detect(pixels, side=DETECTION_SIDE):
            yield cut_line(pixels, quad, squeeze=SQUEEZE)


def _pages() -> Iterator[Pixels]:
    for kind in KINDS:
        for image, _ in scans(draw(kind, SEED), 200):
            yield image.pixels
    for seed in range(2):
        yield _other_scripts(random.Random(SEED + seed))  # noqa: S311


def _other_scripts(chance: random.Random) -> Pixels:
    with pymupdf.open() as pdf:
        page = pdf.new_page()
        font = pymupdf.Font("cjk")
        for row in range(30):
            letters = chance.choice(OTHERS)
            start = chance.randrange(len(letters) // 2)
            writer = pymupdf.TextWriter(page.rect)
            writer.append(
                (50, 50 + 25 * row), letters[start : start + 30], font=font, fontsize=chance.choice([8, 10, 12])
            )
            writer.write_text(page)
        pixmap = page.get_pixmap(dpi=200)
        return np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.h, pixmap.w, 3)


if __name__ == "__main__":
    main()
