"""The small PaliGemma: training computes what transformers computes, is gated by competence, resumes, and learns."""

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import paligemma_tiny  # noqa: F401  (skips without the extra)
import pytest
import torch

from docproc.engines.paligemma.checkpoint import check
from docproc.errors import Usage
from docproc.learn.nano import curriculum, curve, export, fonts, lines, pieces, recipe, sheets, tokens, vqvae
from docproc.learn.nano.drawing import Drawing
from docproc.learn.nano.lean import Lean, Shape
from docproc.learn.nano.trainer import Trainer, smooth
from docproc.tasks.locations import read_spots
from docproc.tasks.rows import lines_of, squares

pytestmark = pytest.mark.slow

RECIPES = Path(recipe.__file__).parent / "recipes"
SHAPE = Shape(
    side=40, patch=20, vision_width=24, vision_inner=32, vision_layers=2, vision_heads=2,
    width=32, inner=48, layers=2, heads=2, head_width=16, rows=tokens.ROWS,
)  # fmt: skip
DONE = curriculum.Standing(1.0, 0.5)
TINY = recipe.Recipe(shape=SHAPE, steps=6, batch=4, others=2, tasks=("detect", "caption"), longest=6, warmup=2)


@pytest.fixture
def model():
    torch.manual_seed(0)
    made = Lean(SHAPE)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return made.eval()


def test_the_lean_model_computes_what_transformers_computes(model):
    pixels = torch.randint(0, 256, (2, 40, 40), dtype=torch.uint8)
    ids, prefixes, patches = torch.randint(300, 600, (2, 12)), (5, 8), SHAPE.patches
    with torch.inference_mode():
        mine = model.scores(model.states(model.look(pixels), ids, torch.tensor(prefixes))[0])
        theirs = export.transformer(model)(
            input_ids=torch.cat([torch.full((2, patches), tokens.IMAGE), ids], 1),
            pixel_values=(pixels[:, None].float() / 127.5 - 1).expand(-1, 3, -1, -1),
            token_type_ids=torch.tensor([[0] * (patches + prefix) + [1] * (12 - prefix) for prefix in prefixes]),
            attention_mask=torch.ones(2, patches + 12, dtype=torch.long),
            labels=ids.new_full((2, patches + 12), -100),
        ).logits[:, patches:]
    assert mine.std() > 0.5
    torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)


def test_the_tokenizer_says_what_training_said():
    made = tokens.tokenizer()
    for text in (
        "ocr\n",
        "answer en Amount due?\n",
        "Grüße  für 3,50 €",
        "<loc0012><loc1023><seg003> a logo",
        "漢 ▁ <b>",
    ):
        assert made(text, add_special_tokens=False).input_ids == tokens.encode(text)
    assert made.convert_tokens_to_ids("<image>") == tokens.IMAGE < tokens.ROWS


def test_a_written_checkpoint_is_a_paligemma(tmp_path, model):
    export.write(model, tmp_path / "made")
    found = check(tmp_path / "made")
    assert (found.side, found.image_tokens, found.variant, found.generation) == (40, 4, "nano", 1)


def test_training_starts_from_a_written_checkpoint(tmp_path, model):
    export.write(model, tmp_path / "made")
    trainer = Trainer(replace(TINY, start=str(tmp_path / "made")), tmp_path / "run")
    for name, weight in trainer.model.state_dict().items():
        torch.testing.assert_close(weight, model.state_dict()[name], atol=2e-3, rtol=1e-3, msg=name)
    other = replace(TINY, start=str(tmp_path / "made"), shape=replace(SHAPE, inner=64))
    with pytest.raises(Usage, match="There is no"):
        Trainer(other, tmp_path / "other")


def test_every_token_counts_the_same_and_near_places_are_nearly_right(tmp_path):
    trainer = Trainer(TINY, tmp_path)
    place = tokens.IDS["<loc0500>"]
    wanted = torch.tensor([tokens.EOS, tokens.IDS["a"], tokens.IDS["b"]])
    scores = torch.zeros(3, SHAPE.rows)
    scores[0, tokens.EOS] = 50
    loss, right = trainer._token_loss(scores, wanted)
    assert loss.item() == pytest.approx(2 / 3 * np.log(SHAPE.rows), rel=1e-3)
    assert right == pytest.approx(1 / 3)
    said = torch.zeros(3, SHAPE.rows)
    said[[0, 1, 2], [place, place + 6, place + 100]] = 10
    near = [trainer._token_loss(each[None], torch.tensor([place])) for each in said]
    assert near[0][0] < near[1][0] < near[2][0]
    assert [right for _, right in near] == [1, 1, 0]


def test_places_that_are_near_begin_alike():
    made = smooth(1024, 192)
    alike = torch.cosine_similarity(made, made[500:501])
    assert alike[501] > 0.97
    assert alike[501] > alike[512] > alike[600] > alike[900]


def test_tasks_that_are_behind_come_more_often():
    far = {"a": curriculum.Standing(1.0, 0.9), "b": curriculum.Standing(0.2, 0.3)}
    random = Random(1)  # noqa: S311
    first = [curriculum.chosen(random, ["a", "b"], far, 1)[0] for _ in range(200)]
    assert first.count("b") > 2 * first.count("a") > 0
    assert sorted(curriculum.chosen(random, ["a", "b"], far, 3)) == ["a", "b"]


def test_the_level_rises_with_competence_alone():
    gate = curriculum.Gate(gate=0.8, pace=0.1)
    for _ in range(200):
        gate.step(0.5)
    assert gate.level == 0
    for _ in range(200):
        gate.step(0.95)
    assert gate.level == 1
    assert [curriculum.characters(level, 70) for level in (0, 1)] == [2, 70]
    assert curriculum.families(0, 20) == 3
    assert curriculum.families(1, 20) == 20
    assert curriculum.wear(0.1) == 0


def test_a_killed_run_ends_as_one_that_was_not(tmp_path):
    whole = Trainer(TINY, tmp_path / "whole")
    whole.gates["ocr"].level = 0.9  # so that other tasks come too
    whole.run()
    first = Trainer(TINY, tmp_path / "parts")
    first.gates["ocr"].level = 0.9
    first.run(lambda now: first.stop() if now.step == 3 else None)
    again = Trainer(TINY, tmp_path / "parts")
    assert again.step == 3
    again.run()
    assert again.step == whole.step == 6
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, again.model.state_dict()[name]), name


def test_learning_lowers_the_error(tmp_path):
    plan = replace(recipe.read(RECIPES / "ci.toml"), steps=60)
    losses = []
    Trainer(plan, tmp_path).run(lambda now: losses.append(now.loss))
    assert np.mean(losses[-10:]) < 0.75 * np.mean(losses[:10])
    assert curve.draw(tmp_path).stat().st_size > 1000
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("name", ["ci", "cpu", "gpu"])
def test_recipes_are_whole(name, tmp_path):
    plan = recipe.read(RECIPES / f"{name}.toml")
    assert plan.shape.side % plan.shape.patch == 0
    small = replace(plan, steps=1, batch=2, others=2, tasks=("detect",), minutes=0, compiled=False, device="cpu")
    trainer = Trainer(replace(small, workers=1, threads=1), tmp_path)
    for batch in Drawing(small)(0, dict.fromkeys(("ocr", "detect"), DONE)):
        loss, right = trainer.loss(batch)
        assert loss.isfinite()
        assert 0 <= right <= 1


def test_a_bad_recipe_is_refused(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text("steps = 3\nspeed = 4\n[model]\nside = 3\n")
    with pytest.raises(Usage, match="no recipe"):
        recipe.read(path)
    path.write_text((RECIPES / "ci.toml").read_text().replace("steps = ", "minutes = 3\nsteps = "))
    with pytest.raises(Usage, match="either"):
        recipe.read(path)


def test_batches_depend_on_seed_number_and_level():
    plan = replace(TINY, tasks=("caption", "detect"))
    one, other = Drawing(plan), Drawing(plan)
    far = dict.fromkeys(("ocr", "caption", "detect"), DONE)
    for mine, theirs in zip(one(5, far), other(5, far), strict=True):
        assert mine.task == theirs.task
        assert np.array_equal(mine.pixels, theirs.pixels)
        assert np.array_equal(mine.tokens, theirs.tokens)
    assert not np.array_equal(one(6, far)[0].pixels, one(5, far)[0].pixels)


def test_hints_tell_what_stands_in_each_patch():
    path = next(path for family in fonts.find().values() for path in family)
    random = Random(3)  # noqa: S311
    drawn = lines.draw(random, "Hg 7", path, 0.0)
    (square,) = squares(drawn.pixels, 160, 20)
    labels = lines.labels("Hg 7", drawn, square, 160, 20)
    inked = np.flatnonzero(labels.patches[:, 0])
    assert [tokens.NAMES[token] for token in labels.patches[inked][:, :2].reshape(-1) if token] == ["H", "g", "7"]
    assert labels.places[0] == inked[0]
    assert labels.patches[inked[0], 2] == 1
    cell = square.pixels.reshape(8, 20, 8, 20).transpose(0, 2, 1, 3).reshape(64, 20, 20)
    assert all(cell[place].min() < 128 for place in inked)


def test_lines_are_cut_at_gaps_and_nothing_is_lost():
    line = np.full((30, 900), 255, np.uint8)
    for left in range(10, 880, 60):
        line[5:25, left : left + 40] = 0
    (square,) = squares(line, 160, 20)
    assert len(square.cuts) > 1
    for start, end in square.cuts[1:]:
        assert line[:, max(start - 1, 0)].min() == 255
        assert end > start
    covered = np.zeros(900, bool)
    for start, end in square.cuts:
        covered[start:end] = True
    assert covered[line.min(0) < 255].all()
    white = 255 - line
    assert np.array_equal(squares(white, 160, 20)[0].pixels, square.pixels)
    assert squares(np.full((20, 300), 200, np.uint8), 160, 20)[0].pixels.min() == 255


def test_lines_of_a_page_are_found_in_order():
    from PIL import Image, ImageDraw

    path = next(path for family in fonts.find().values() for path in family)
    sheet = Image.new("L", (500, 400), 255)
    for number in range(5):
        text = f"line number {number}"
        ImageDraw.Draw(sheet).text((40, 30 + 60 * number), text, font=fonts.sized(path, 24), fill=0)
    found = lines_of(np.asarray(sheet))
    assert len(found) == 5
    assert all(25 < box[1] - 60 * number < 65 for number, box in enumerate(found))
    assert lines_of(np.full((50, 50), 255, np.uint8)) == []


def test_objects_are_written_as_they_are_read():
    random = Random(1)  # noqa: S311
    page = sheets.sheet(random, 160, "stamp")
    thing = next(thing for thing in page.things if thing.label == "stamp")
    told = pieces.objects(page, "stamp", 8, masks=True, words=lambda _: np.arange(16)[None])
    spots, invalid = read_spots(told.answer)
    assert len(told.places) == len(tokens.encode(told.answer))
    upper, leftmost, lower, rightmost, *codes = [place for place in told.places if place >= 0]
    assert [upper // 8, leftmost % 8, lower // 8, rightmost % 8] == [int(thing.box[at] * 8) for at in (1, 0, 3, 2)]
    assert len(codes) == 16
    assert upper // 8 <= codes[0] // 8 <= codes[-1] // 8 <= lower // 8
    assert leftmost % 8 <= codes[0] % 8 <= codes[-1] % 8 <= rightmost % 8
    where = [upper, leftmost, lower, rightmost]
    things, boxes = sheets.covered(page, 8)
    assert {sheets.CLASSES[number - 1] for number in things if number} == {each.label for each in page.things}
    assert np.allclose(boxes[where], thing.box)
    assert invalid == 0
    assert spots[0].codes == tuple(range(16))
    found = (spots[0].left, spots[0].top, spots[0].right, spots[0].bottom)
    assert np.allclose(found, thing.box, atol=1 / 1023)
    assert sheets.caption(page).startswith(page.kind)
    assert "a stamp" in sheets.caption(page)


def test_values_stand_where_they_are_said_to():
    path = next(path for family in fonts.find().values() for path in family)
    random = Random(2)  # noqa: S311
    for _ in range(20):
        made = pieces.row(random, ["Total", "Date"], path, 160, 20, level=0.0)
        for value, places in made.values.values():
            assert len(places) == len(value)
            assert places == sorted(places)
            assert [made.labels.patches[places[0], 0] > 0, value[0] != " "] == [True, True]
        first, second = (places for _, places in made.values.values())
        assert first[-1] <= second[0]
    assert not {pieces.label(random) for _ in range(2000)} & set(pieces.OTHER_LABELS)


def test_mirrored_pages_have_mirrored_boxes():
    plan = replace(TINY, looks=8, others=0)
    lined, looked = Drawing(plan)(3, {"ocr": DONE})
    assert (lined.task, looked.task, looked.pixels.shape, len(looked.tokens)) == ("ocr", "look", (8, 40, 40), 0)
    assert np.array_equal(looked.pixels[0][::-1, ::-1], looked.pixels[3])
    assert np.array_equal(looked.things[0], looked.things[3][::-1])
    there = looked.things[0] > 0
    assert np.allclose(looked.boxes[0][there], 1 - looked.boxes[3][::-1][there][:, [2, 3, 0, 1]])


def test_things_on_loose_pages_do_not_overlap():
    random = Random(4)  # noqa: S311
    for _ in range(20):
        page = sheets.loose(random, 160, ["photo", "table", "stamp", "title"])
        boxes = [thing.box for thing in page.things]
        assert boxes
        for number, (left, top, right, bottom) in enumerate(boxes):
            assert 0 <= left < right <= 1
            assert 0 <= top < bottom <= 1
            assert all(c < left or right < a or d < top or bottom < b for a, b, c, d in boxes[:number])


def test_codes_of_masks_are_learnt(tmp_path):
    losses = []
    down, up, book = vqvae.train(40, batch=8, told=lambda _, loss: losses.append(loss))
    vqvae.write(tmp_path / "vae-oid.npz", up, book)
    vqvae.write_encoder(tmp_path / "encoder.safetensors", down, book)
    assert 0.2 < vqvae.iou(down, tmp_path / "vae-oid.npz", book, count=20) <= 1
    words = pieces.coder(tmp_path / "encoder.safetensors")(np.ones((2, 64, 64), np.uint8))
    assert words.shape == (2, 16)
    assert words.min() >= 0
    assert words.max() < 128
    assert min(losses[-5:]) < losses[0]


def test_the_command_trains_and_says_where(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from docproc.commands.finetune import command

    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(command, ["nano", "ci", "--steps", "2", "--output", "out"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "2 steps" in done.output
    assert check(tmp_path / "out" / "model").side == 80
    assert (tmp_path / "out" / "curve.png").is_file()
    more = ["nano", "ci", "--steps", "1", "--from", "out/model", "--output", "more"]
    assert CliRunner().invoke(command, more, catch_exceptions=False).exit_code == 0
    with pytest.raises(Usage, match="There is no"):  # the one that comes with docproc is larger
        CliRunner().invoke(command, [*more, "--from", "nano"], catch_exceptions=False)
    with pytest.raises(Usage, match="no model or folder"):
        CliRunner().invoke(command, [*more, "--from", "unknown"], catch_exceptions=False)
    with pytest.raises(Usage, match="no recipe"):
        CliRunner().invoke(command, ["nano", "nothing"], catch_exceptions=False)
