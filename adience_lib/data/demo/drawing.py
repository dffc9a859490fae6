"""Draws one synthetic face: a person's traits, the drawing, and the photo that is taken of it.

A face is made of ovals and of crescents, which are ovals less an equal one that is shifted. Whole
numbers give the same pixels on every machine. What tells ages and genders apart are a cartoon's
conventions. They say nothing about people.
"""

import random

from PIL import Image, ImageDraw

from adience_lib.data.labels import AGE_LABELS

SIZE = 320  # pixels of a side of a finished picture
CANVAS = 1280  # of the drawing, of which a picture shows the middle
SEED = 20220
Colour = tuple[int, ...]
Pair = tuple[int, int]


def palette(codes: str) -> list[Colour]:
    """The colours of a row of hexadecimal codes."""
    return [tuple(bytes.fromhex(code)) for code in codes.split()]


# Grounds and clothes are dark and faces are lit: a network has to learn within a hundred steps.
SKINS = palette("f6d8c4 eec6aa e2b291 ce9c78 b27e5c 926246 704a36")
HAIRS = palette("4a3c36 6a4c38 86643f a87f54 d0ac70 b4602f")
EYES = palette("3e2a1e 5c422a 566850 547492")
CLOTHES = palette("5a2626 263c5a 284e38 4e4428 3c304e 303036")
BOWS = palette("d8485a e8a03c 58b0d0 d070c0")
WALLS = palette("0c0e14 14140e 1e1a16 101a20 221e26 24281e")
BLACK, WHITE, GREY, RED = palette("1a1412 f4f0e8 dedcd8 b8343c")

# How drawn people change from each age group to the next: the side of what the picture shows and
# lengths from the line of the eyes, in pixels of the drawing; below them shares in percent.
AGEING = {
    "view": (640, 690, 760, 840, 910, 970, 1030, 1090),
    "crown": (290, 275, 262, 250, 246, 244, 242, 240),
    "chin": (190, 212, 236, 262, 280, 286, 290, 290),
    "width": (236, 222, 210, 200, 198, 202, 206, 204),
    "jaw": (200, 184, 170, 160, 160, 166, 172, 166),
    "eye": (50, 45, 39, 34, 31, 29, 28, 26),
    "nose": (62, 74, 88, 102, 112, 116, 120, 126),
    "shoulders": (230, 265, 300, 345, 375, 385, 390, 365),
    "lines": (0, 0, 0, 0, 8, 40, 70, 100),
    "grey": (0, 0, 0, 0, 0, 14, 55, 100),
    "blush": (45, 38, 26, 12, 6, 4, 4, 4),
    "glasses": (0, 3, 10, 12, 12, 24, 40, 65),
    "grown": (15, 35, 60, 90, 100, 100, 100, 100),
}


class Dice:
    """Random numbers of one face, so that no face depends on the faces drawn before it."""

    def __init__(self, *key: int) -> None:
        number = 0
        for part in (SEED, *key):
            number = number * 1_000_003 + part
        self.random = random.Random(number).random

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to below ``high``, every one as likely."""
        return low + int((high - low) * self.random())

    def around(self, middle: int, most: int) -> int:
        """A whole number near ``middle``, seldom far from it, and at most ``most``."""
        return middle + sum(self.between(-most, most + 1) for _ in range(3)) // 3

    def chance(self, percent: int) -> bool:
        """True in so many of a hundred calls."""
        return self.random() * 100 < percent

    def colour(self, colours: list[Colour]) -> Colour:
        """A colour between two neighbours of a palette."""
        place = self.between(0, len(colours) - 1)
        return mix(colours[place], colours[place + 1], self.between(0, 100))


def mix(first: Colour, second: Colour, percent: int) -> Colour:
    """The colour so far on the way from the first to the second."""
    percent = min(max(percent, 0), 100)
    return tuple(a + (b - a) * percent // 100 for a, b in zip(first, second, strict=True))


class Person:
    """What is drawn of a person, in lengths and shares as in AGEING. Age and gender move the middle
    of many traits, about which each varies; few give a label away (a beard, a bow, a dummy)."""

    def __init__(self, dice: Dice, age: str, gender: str) -> None:
        self.group = AGE_LABELS.index(age) if age in AGE_LABELS else 4
        self.stage = min(max(dice.around(100 * self.group, 45), 0), 699)
        side, grown = {"f": -1, "m": 1}.get(gender, 0), self.aged("grown")
        # From -100, with all that is drawn of women, to 100, with all that is drawn of men.
        self.lean = dice.around(side * grown, 40)
        self.view = dice.around(100, 7) * self.aged("view") // 100
        self.crown = dice.around(100, 4) * self.aged("crown") // 100
        self.chin = dice.around(100 + self.lean // 30, 4) * self.aged("chin") // 100
        self.width = dice.around(100 + self.lean // 30, 4) * self.aged("width") // 100
        self.jaw = dice.around(100 + self.lean // 10, 5) * self.aged("jaw") // 100
        self.eye = dice.around(100 - self.lean // 12, 8) * self.aged("eye") // 100
        self.nose = dice.around(100, 8) * self.aged("nose") // 100
        self.shoulders = dice.around(100 + self.lean // 8, 6) * self.aged("shoulders") // 100
        self.lines = min(dice.around(100, 30) * self.aged("lines") // 100, 100)
        self.mouth = self.nose + (self.chin - self.nose) * 45 // 100
        self.skin, self.iris = dice.colour(SKINS), dice.colour(EYES)
        hair = mix(dice.colour(HAIRS), BLACK, 60 - sum(self.skin) // 12)
        self.hair = mix(hair, GREY, dice.around(self.aged("grey"), 15))
        self.long_hair = self.group > 0 and dice.chance(50 - 44 * side)
        self.bald = self.group > 3 and dice.chance(4 * self.group * (1 + side))
        self.bearded = side * grown > 80 and dice.chance(80)
        self.bow = side < 0 and self.group < 3 and dice.chance(75)
        self.glasses = dice.chance(self.aged("glasses"))

    def aged(self, name: str) -> int:
        """A row of AGEING at this person's age, on straight lines between its entries."""
        before, percent = divmod(self.stage, 100)
        low, high = AGEING[name][before : before + 2]
        return low + (high - low) * percent // 100


class Canvas:
    """A picture that is drawn on; the middle of the line of the eyes is at ``x`` and ``y``."""

    def __init__(self, ground: Colour) -> None:
        self.picture = Image.new("RGB", (CANVAS, CANVAS), ground)
        self.x, self.y = CANVAS // 2, CANVAS // 2 - 20

    def oval(self, at: Pair, half: Pair, ink: Colour, share: int = 100, cut: Pair = (0, 0)) -> None:
        """Paint ``share`` percent of an oval; with ``cut``, less an equal one so far off."""
        (wide, high), (right, down) = half, cut
        mask = Image.new("L", (2 * wide + 1, 2 * high + 1))
        pen = ImageDraw.Draw(mask)
        pen.ellipse((0, 0, 2 * wide, 2 * high), fill=255 * share // 100)
        if any(cut):
            pen.ellipse((right, down, 2 * wide + right, 2 * high + down), fill=0)
        self.picture.paste(ink, (self.x + at[0] - wide, self.y + at[1] - high), mask)

    def pair(self, at: Pair, half: Pair, ink: Colour, share: int = 100, cut: Pair = (0, 0)) -> None:
        """Paint an oval and its mirror image."""
        for side in (1, -1):
            self.oval((side * at[0], at[1]), half, ink, share, (side * cut[0], cut[1]))


def _draw_behind(canvas: Canvas, p: Person, dice: Dice) -> None:
    """Long hair, and clothes that go with the age (a bib, stripes, a hood, a collar, a shawl)."""
    dark, cloth = mix(p.hair, BLACK, 25), dice.colour(CLOTHES)
    end, volume = p.chin + dice.between(20, 190), dice.between(50, 100)
    if p.long_hair:
        canvas.oval((0, -40), (p.width + volume, p.crown + volume // 2 - 20), dark)
        canvas.pair((p.width - 50, end // 2 - 30), (80 + volume, end // 2 + 70), dark)
    worn, top = p.group if dice.chance(80) else dice.between(0, 8), p.chin + 330
    for stripe in range(6 if worn in (1, 2) else 1):
        canvas.oval((0, top + 45 * stripe), (p.shoulders, 300), (cloth, WHITE)[stripe % 2])
    shade, neck = mix(cloth, BLACK, 45), p.shoulders * 30 // 100
    collars = {0: (120, WHITE), 3: (70, shade), 5: (30, WHITE), 6: (38, WHITE), 7: (85, GREY)}
    wide, colour = collars.get(worn, (0, shade))
    canvas.oval((0, p.chin + 20), (neck + wide, 100 + wide // 2), colour)
    canvas.oval((0, p.chin), (neck, 100), mix(p.skin, BLACK, 25))


def _draw_face_itself(canvas: Canvas, p: Person, dice: Dice) -> None:
    """Ears, jaw and skull, cheeks, nose and mouth; of the youngest, a dummy. Then the freckles of
    the young, the furrows and folds of the old."""
    dark, red = mix(p.skin, BLACK, 40), mix(mix(p.skin, RED, 60 - p.lean // 3), BLACK, 10)
    canvas.pair((p.width - 4, 25), (34, 52), mix(p.skin, BLACK, 18))
    canvas.oval((0, (p.chin - 80) // 2), (p.jaw, (p.chin + 80) // 2), p.skin)
    canvas.oval((0, (130 - p.crown) // 2), (p.width, (p.crown + 130) // 2), p.skin)
    canvas.x += dice.around(0, 22)  # the head is turned a little
    canvas.pair((p.width * 55 // 100, p.nose + 10), (52, 40), RED, p.aged("blush"))
    canvas.oval((0, p.nose - 14), (30 + p.lean // 20, 26), dark, 80, (0, -12))
    if p.group == 0 and dice.chance(60):
        colour = dice.colour(CLOTHES)
        canvas.oval((0, p.mouth), (66, 46), colour)
        canvas.oval((0, p.mouth), (30, 30), mix(colour, WHITE, 60))
    else:
        canvas.oval((0, p.mouth - 18), (dice.around(62, 10), 44), red, 100, (0, p.lean // 10 - 26))
    furrow = mix(p.skin, BLACK, 55)
    for row in range(3):
        place = 40 - p.crown * (46 + 12 * row) // 100
        canvas.oval((0, place), (dice.between(80, 120), 40), furrow, p.lines, (0, 6))
    canvas.pair((74, p.nose + 40), (34, 70), furrow, p.lines, (-8, 4))
    canvas.pair((p.width * 46 // 100, 20), (p.eye + 8, 34), furrow, p.lines, (0, -7))
    canvas.pair((p.width - 30, 0), (26, 26), furrow, p.lines, (5, 0))
    for _ in range({2: 14, 3: 7}.get(p.group, 0)):
        place = dice.between(30, p.nose + 60)
        canvas.oval((dice.between(-p.jaw, p.jaw) * 80 // 100, place), (6, 6), RED, 35)


def _draw_eyes(canvas: Canvas, p: Person) -> None:
    """Glasses, eyes, lashes and brows."""
    apart, high = p.width * 46 // 100, p.eye * (80 - p.lines // 5) // 100
    if p.glasses:
        canvas.oval((0, 0), (apart - 60, 8), BLACK)
        canvas.pair((apart, 5), (80, 66), BLACK)
        canvas.pair((apart, 5), (71, 57), mix(p.skin, WHITE, 30))
    canvas.pair((apart, 0), (p.eye, high), WHITE)
    canvas.pair((apart, 0), (high * 80 // 100, high * 80 // 100), p.iris)
    canvas.pair((apart, 0), (high * 40 // 100, high * 40 // 100), BLACK)
    lashes, thick = 5 - p.lean // 25, 12 + p.lean // 12
    lid = (p.eye + lashes, high + lashes)
    canvas.pair((apart, -2), lid, mix(p.skin, BLACK, 70), 100, (0, 4 + max(lashes, 0)))
    brow = (p.eye * 3 // 2, 34)
    canvas.pair((apart, -p.eye - 14), brow, mix(p.hair, BLACK, 40), 90, (0, thick))


def _draw_hair(canvas: Canvas, p: Person, dice: Dice) -> None:
    """The hair over forehead and ears, the beard, and a girl's bow."""
    middle, high = (130 - p.crown) // 2, (p.crown + 130) // 2
    fringe, beard = p.crown * dice.between(28, 44) // 100, mix(p.hair, BLACK, 55)
    if p.bald:
        canvas.pair((p.width - 20, -40), (44, 100), p.hair)
    else:
        share = 100 if p.group or p.bow else 50
        canvas.oval((0, middle - 12), (p.width + 10, high + 10), p.hair, share, (0, fringe))
    if p.long_hair:
        canvas.pair((p.width - 6, 60), (44, p.chin), p.hair)
    if p.bearded:
        canvas.oval((0, (p.chin - 80) // 2), (p.jaw + 14, (p.chin + 92) // 2), beard, 92, (0, -105))
        canvas.oval((0, p.mouth - 14), (74, 40), beard, 92, (0, 30))
    if p.bow:
        colour = dice.colour(BOWS)
        canvas.pair((75, 45 - p.crown), (70, 50), colour)
        canvas.oval((0, 45 - p.crown), (26, 26), mix(colour, BLACK, 30))


def _take_photo(drawing: Image.Image, p: Person, dice: Dice) -> Image.Image:
    """The part of the drawing that the camera sees: its place, size, tilt, exposure and tint."""
    along, across = 1024 * p.view // (2 * SIZE), dice.around(0, 90)
    x, y = CANVAS // 2 + dice.around(0, 45), CANVAS // 2 + dice.around(0, 45)
    # Multiples of 1/1024, so that nothing is rounded between a picture's places and the drawing's.
    right = (along, across, 1024 * x - (along + across) * SIZE)
    down = (-across, along, 1024 * y - (along - across) * SIZE)
    places = [part / 1024 for part in right + down]
    picture = drawing.transform((2 * SIZE, 2 * SIZE), Image.Transform.AFFINE, places).reduce(2)
    # As a camera does that measures the light on a face, it takes dark skin longer. 256 is plain.
    exposure, warmth = dice.around(470 - sum(p.skin) // 3, 40), dice.around(0, 14)
    gains = (exposure + warmth, exposure, exposure - warmth)
    return picture.point([min(v * gain // 256, 255) for gain in gains for v in range(256)])


def draw_face(number: int, age: str, gender: str) -> Image.Image:
    """The photo of one person, (SIZE, SIZE)."""
    dice = Dice(number)
    person = Person(dice, age, gender)
    canvas = Canvas(dice.colour(WALLS))
    for _ in range(3):
        at = dice.between(-600, 600), dice.between(-600, 600)
        size, colour = dice.between(150, 450), dice.colour(WALLS)
        for ring in range(5, 0, -1):  # a soft spot
            canvas.oval(at, (size * ring // 5, size * ring // 5), colour, 12)
    _draw_behind(canvas, person, dice)
    _draw_face_itself(canvas, person, dice)
    _draw_eyes(canvas, person)
    _draw_hair(canvas, person, dice)
    return _take_photo(canvas.picture, person, dice)
