"""Draws one synthetic face: a person's traits, how the photo is taken, and the picture.

The same pixels come out on every machine. Randomness comes from ``random.Random.random`` and from
numpy's ``Generator.integers`` alone. Geometry uses ``+ - * /`` and the square root, which IEEE 754
rounds the same everywhere, and no other function of a mathematics library.

Unlike portraits, the pictures have dark grounds and lit faces, and both labels show in large areas
(size of the head, hair, beard): a network has to learn from 128 faces within some hundred steps.
"""

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from adience_lib.data.labels import AGE_LABELS

# Years in which a person of each label is drawn. The labels of Adience leave gaps between them.
SPANS = ((0, 3), (4, 7), (8, 13), (15, 21), (25, 33), (38, 44), (48, 54), (60, 84))
YEARS = dict(zip(AGE_LABELS, SPANS, strict=True))

SIZE = 320  # pixels of a finished picture; it is drawn at twice this size, for smooth edges
SEED = 20220

Colour = tuple[int, int, int]
Point = tuple[float, float]


def palette(codes: str) -> list[Colour]:
    """Return the colours of a row of hexadecimal codes."""
    parts = [bytes.fromhex(code) for code in codes.split()]
    return [(part[0], part[1], part[2]) for part in parts]


SKINS = palette("f6d8c4 eec6aa e2b291 ce9c78 b27e5c 926246 704a36")
HAIRS = palette("383030 5e483c 826046 9c7852 bc9a6a a05834")
EYES = palette("3e2a1e 5c422a 566850 547492")
GREY = (228, 226, 222)

# How a face changes with the years. Lengths are in units of which half an adult's face is 84 wide,
# and are measured from the line of the eyes; the other rows are shares of one.
AGES = (1, 5, 10, 17, 28, 40, 50, 62, 80)
AGEING = {
    "crown": (140, 132, 124, 116, 112, 110, 109, 108, 106),
    "chin": (82, 93, 103, 115, 121, 123, 125, 127, 127),
    "width": (97, 93, 88, 84, 84, 85, 86, 86, 84),
    "jaw": (70, 66, 62, 60, 62, 64, 66, 68, 68),
    "eye": (25, 23, 21, 19, 18, 17.5, 17, 16, 15),
    "nose": (30, 36, 42, 48, 51, 53, 55, 58, 61),
    "brow": (3, 4, 5, 6.5, 7.5, 7.5, 7.5, 7, 6),
    "lip": (9, 9.5, 10, 10.5, 10, 9, 8, 6.5, 5),
    "neck": (38, 38, 40, 46, 52, 54, 56, 56, 52),
    "shoulders": (98, 106, 116, 134, 148, 152, 154, 152, 144),
    "lines": (0, 0, 0, 0.03, 0.16, 0.4, 0.65, 0.9, 1.15),
    "grey": (0, 0, 0, 0, 0.02, 0.18, 0.5, 0.9, 1.0),
    "density": (0.35, 0.8, 1, 1, 1, 0.98, 0.92, 0.8, 0.65),
    "maleness": (0.1, 0.3, 0.6, 0.95, 1, 1, 1, 1, 0.9),
    "scale": (2.28, 2.12, 1.97, 1.83, 1.76, 1.72, 1.67, 1.6, 1.52),
    "blush": (1, 0.8, 0.5, 0.3, 0.15, 0.1, 0.1, 0.1, 0.1),
}


class Dice:
    """Random numbers of one face, so that no face depends on the faces drawn before it."""

    def __init__(self, *key: int) -> None:
        """Start from the face's own key."""
        number = 0
        for part in (SEED, *key):
            number = number * 1_000_003 + part
        self.random = random.Random(number).random

    def between(self, low: float, high: float) -> float:
        """Return a number between two bounds, every one as likely."""
        return low + (high - low) * self.random()

    def around(self, centre: float, deviation: float) -> float:
        """Return a number from a bell curve: the sum of three even draws has variance 1/4."""
        return centre + deviation * 2 * (self.random() + self.random() + self.random() - 1.5)

    def chance(self, share: float) -> bool:
        """Return true in this share of the calls."""
        return self.random() < share

    def digits(self, count: int) -> int:
        """Return a whole number of so many digits."""
        return int(self.between(10 ** (count - 1), 10**count))

    def colour(self, palette: Sequence[Colour]) -> Colour:
        """Return a colour between two neighbours of a palette."""
        place = self.between(0, len(palette) - 1)
        first = min(int(place), len(palette) - 2)
        return mix(palette[first], palette[first + 1], place - first)


@dataclass(frozen=True)
class Person:
    """What is drawn of a person. Lengths as in AGEING, from the line of the eyes; shares of one."""

    scale: float
    crown: float
    chin: float
    width: float
    jaw: float
    chin_width: float
    eye: float
    eye_gap: float
    brow: float
    brow_height: float
    nose: float
    nose_width: float
    mouth_width: float
    lip: float
    smile: float
    neck: float
    shoulders: float
    lines: float
    blush: float
    contrast: float
    beard: float
    moustache: float
    hair_end: float
    hair_volume: float
    hairline: float
    density: float
    waves: float
    parting: float
    glasses: bool
    skin: Colour
    hair: Colour
    iris: Colour

    @property
    def mouth_y(self) -> float:
        """Return the height of the mouth, a little above the middle of nose and chin."""
        return self.nose + 0.42 * (self.chin - self.nose)


@dataclass(frozen=True)
class Photo:
    """How the person is taken: place, size, tilt and turn of the head, light, and the camera."""

    x: float
    y: float
    scale: float
    tilt: float
    turn: float
    light_x: int
    light_y: int
    exposure: int
    warmth: int
    blur: int
    noise: int


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return the colour a share of the way from the first to the second."""
    share = min(max(share, 0.0), 1.0)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def aged(name: str, years: float) -> float:
    """Return a row of AGEING at this age, on straight lines between its entries."""
    row = AGEING[name]
    years = min(max(years, AGES[0]), AGES[-1])
    after = next(i for i in range(1, len(AGES)) if years <= AGES[i])
    share = (years - AGES[after - 1]) / (AGES[after] - AGES[after - 1])
    return row[after - 1] + (row[after] - row[after - 1]) * share


def make_person(dice: Dice, age: str, gender: str) -> Person:
    """Draw a person's traits.

    Age and gender shift the middle of many traits, and each trait varies about its middle, so
    that no trait alone tells the label. People look older or younger than they are. The genders
    differ little in small children. Skin, hair colour and clothes depend on neither label.
    """
    low, high = YEARS.get(age, (20, 50))
    years = dice.between(low, high)
    years = max(years + dice.around(0, 0.6 + 0.09 * years), 0)
    side = {"f": -1, "m": 1}.get(gender, 0)
    grown = aged("maleness", years)
    lean = side * grown + dice.around(0, 0.35)

    def trait(name: str, shift: float = 0, spread: float = 0.05) -> float:
        middle = aged(name, years)
        return middle * (1 + lean * shift + dice.around(0, spread))

    bearded = dice.chance(0.75) if side * grown > 0.7 else False
    moustached = bearded or (side * grown > 0.7 and dice.chance(0.15))
    bald = max(dice.around(0.1 + 0.25 * lean, 0.3), 0) if years > 24 else 0.0
    long_hair = dice.chance(0.5 - (0.13 + 0.21 * grown) * side) and years > 3.5
    skin = dice.colour(SKINS)
    grey = dice.around(aged("grey", years), 0.18) if years > 25 else 0.0
    hair = mix(dice.colour(HAIRS), GREY, grey)
    return Person(
        scale=trait("scale", 0, 0.03),
        crown=trait("crown", spread=0.03),
        chin=trait("chin", 0.04),
        width=trait("width", 0.05, 0.035),
        jaw=trait("jaw", 0.15, 0.05),
        chin_width=dice.around(27 + 6 * lean, 4),
        eye=trait("eye", -0.06, 0.06),
        eye_gap=dice.around(41, 2),
        brow=trait("brow", 0.42, 0.2),
        brow_height=dice.around(27 - 3.5 * lean, 2.5),
        nose=trait("nose", 0.04),
        nose_width=dice.around(17 + 2 * lean, 2) * (0.8 + 0.2 * aged("nose", years) / 50),
        mouth_width=dice.around(32, 3) * aged("jaw", years) / 63,
        lip=trait("lip", -0.15, 0.15),
        smile=dice.around(3, 4),
        neck=trait("neck", 0.2, 0.07),
        shoulders=trait("shoulders", 0.2, 0.06),
        lines=max(trait("lines", 0.05, 0.2), 0),
        blush=trait("blush", spread=0.3),
        contrast=dice.around(1 - 0.18 * lean, 0.12),
        beard=dice.between(0.6, 1) if bearded else max(0.3 * (side * grown - 0.5), 0),
        moustache=dice.between(0.4, 1) if moustached else 0.0,
        hair_end=dice.between(105, 220) if long_hair else dice.between(-25, 45) - 10 * lean,
        hair_volume=(dice.between(30, 52) if long_hair else dice.between(5, 16))
        * (0.3 + 0.7 * aged("density", years)),
        hairline=min(dice.around(0.66, 0.07) + 0.3 * bald, 1.05),
        density=min(max(trait("density", spread=0.15) - 0.3 * bald, 0.12), 1),
        waves=dice.between(0, 7) * dice.random(),
        parting=dice.between(-0.6, 0.6),
        glasses=dice.chance(0.04 + 0.003 * years),
        skin=skin,
        hair=hair,
        iris=dice.colour(EYES),
    )


def make_photo(dice: Dice, person: Person) -> Photo:
    """Draw how a picture is taken. At scale 1.9 a face is half as wide as the picture.

    An exposure of 256 keeps the brightness. As a camera does that measures the light on a face, it
    rises by 1.3 for each step by which the skin is darker than 160 of 255.
    """
    return Photo(
        x=SIZE + dice.around(0, 6),
        y=SIZE - 10 + dice.around(0, 6),
        scale=dice.around(person.scale, 0.05),
        tilt=dice.around(0, 0.05),
        turn=dice.around(0, 7),
        light_x=round(dice.around(0, 28)),
        light_y=round(dice.around(-15, 20)),
        exposure=round(dice.around(310 + 1.3 * (160 - sum(person.skin) / 3), 14)),
        warmth=round(dice.around(0, 6)),
        blur=int(dice.between(0, 1.6)),
        noise=int(dice.between(2, 9)),
    )


# A quarter of the unit circle without a sine: ((1 - t^2) / (1 + t^2), 2t / (1 + t^2)).
ARC = [((1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)) for t in (i / 8 for i in range(8))]
HALF = ARC + [(-y, x) for x, y in ARC]
CIRCLE = HALF + [(-x, -y) for x, y in HALF]


def ellipse(x: float, y: float, width: float, height: float) -> list[Point]:
    """Return the outline of an ellipse with these half axes."""
    return [(x + width * a, y + height * b) for a, b in CIRCLE]


def arch(middle: float, half: float, y: float, rise: float, skew: float = 0) -> list[Point]:
    """Return a parabola about a middle that stands ``rise`` above its ends."""
    shares = [i / 5 - 1 for i in range(11)]
    return [(middle + half * s, y + skew * s - rise * (1 - s * s)) for s in shares]


def spline(near: Sequence[Point], t: float) -> Point:
    """Return the point at t of the Catmull-Rom piece between the second and third of four."""
    square, cube = t * t, t * t * t
    weights = (2 * square - t - cube, 2 - 5 * square + 3 * cube, t + 4 * square - 3 * cube)
    weighted = list(zip((*weights, cube - square), near, strict=True))
    return sum(w * x for w, (x, _) in weighted) / 2, sum(w * y for w, (_, y) in weighted) / 2


def curve(xs: Sequence[float], ys: Sequence[float], side: int = 1) -> list[Point]:
    """Return a smooth line through these points, mirrored for side -1."""
    points = [(side * x, y) for x, y in zip(xs, ys, strict=True)]
    padded = [points[0], *points, points[-1]]
    pieces = [padded[i : i + 4] for i in range(len(points) - 1)]
    return [spline(piece, step / 6) for piece in pieces for step in range(6)] + [points[-1]]


def mirrored(half: Sequence[Point]) -> list[Point]:
    """Close a right half, given from top to bottom, with its mirror image."""
    return [*half, *[(-x, y) for x, y in reversed(half)]]


def loop(xs: Sequence[float], ys: Sequence[float]) -> list[Point]:
    """Return a smooth outline. Its right half is given from top to bottom."""
    return mirrored(curve(xs, ys))


class Canvas:
    """A picture that is drawn on in the units of a face, wherever the photo puts the face."""

    def __init__(self, photo: Photo, picture: Image.Image) -> None:
        """Draw on this picture, blending."""
        self.photo = photo
        self.picture = picture
        self.pen = ImageDraw.Draw(picture, "RGBA")

    def fill(self, points: Iterable[Point], colour: Colour, opacity: float = 1) -> None:
        """Fill an outline. Turning the head moves what is near its middle line sideways."""
        p = self.photo
        places = []
        for flat_x, y in points:
            x = flat_x + p.turn * max(1 - flat_x * flat_x / 8000, 0)
            across, down = p.scale * (x - p.tilt * y), p.scale * (y + p.tilt * x)
            places.append((round(p.x + across), round(p.y + down)))
        alpha = round(255 * min(max(opacity, 0), 1))
        self.pen.polygon(places, fill=(*colour, alpha))

    def stroke(
        self, points: Sequence[Point], width: float, colour: Colour, opacity: float = 1
    ) -> None:
        """Draw a line that is thick in the middle and thin at both ends."""
        last = len(points) - 1
        above, below = [], []
        for i, (x, y) in enumerate(points):
            before, after = points[max(i - 1, 0)], points[min(i + 1, last)]
            dx, dy = after[0] - before[0], after[1] - before[1]
            half = width * (0.15 + 1.4 * i * (last - i) / (last * last))
            half /= math.sqrt(dx * dx + dy * dy) or 1
            above.append((x + dy * half, y - dx * half))
            below.append((x - dy * half, y + dx * half))
        self.fill(above + below[::-1], colour, opacity)

    def shade(
        self, x: float, y: float, width: float, height: float, colour: Colour, opacity: float
    ) -> None:
        """Draw a soft spot: six ellipses one inside the other."""
        for ring in range(6, 0, -1):
            size = ring / 6
            self.fill(ellipse(x, y, width * size, height * size), colour, opacity / 6)


def draw_tone(dice: Dice, low: float, high: float) -> Colour:
    """Return a colour of walls, trees, sky or cloth: little saturation, seldom as warm as skin."""
    grey = dice.between(low, high)
    warm, green = dice.between(-0.25, 0.02), dice.between(-0.08, 0.08)
    return round(grey * (1 + warm)), round(grey * (1 + green)), min(round(grey * (1 - warm)), 255)


def draw_background(dice: Dice) -> Image.Image:
    """Return a blurred scene: few coloured cells, enlarged."""
    tones = draw_tone(dice, 4, 42), draw_tone(dice, 4, 42)
    cells = [mix(*tones, dice.around(0.5, 0.5)) for _ in range(5 * 5)]
    scene = Image.frombytes("RGB", (5, 5), bytes(part for cell in cells for part in cell))
    return scene.resize((2 * SIZE, 2 * SIZE), Image.Resampling.BICUBIC)


def head_outline(person: Person) -> list[Point]:
    """Return the outline of the head. Lines and weight make the jaw sag with the years."""
    p = person
    jaw, sag = p.jaw + 5 * p.lines, 5 * p.lines
    xs = (0, 0.55 * p.width, 0.92 * p.width, p.width, 0.94 * p.width, jaw, p.chin_width, 0)
    above = (-p.crown, -0.9 * p.crown, -0.5 * p.crown, -4)
    return loop(xs, (*above, 0.36 * p.chin, 0.7 * p.chin + sag, 0.96 * p.chin, p.chin))


def draw_body(canvas: Canvas, person: Person, dice: Dice) -> None:
    """Draw neck and clothes. The clothes tell nothing."""
    p = person
    neck = [(p.neck, p.chin * 0.5), (p.neck, p.chin + 16), (p.neck + 20, p.chin + 150)]
    canvas.fill(mirrored(neck), mix(p.skin, (40, 20, 15), 0.28))
    canvas.shade(0, p.chin + 2, p.neck * 1.1, 26, (30, 16, 12), 0.45)
    cloth, depth = draw_tone(dice, 12, 60), p.chin + dice.between(24, 46)
    slope = p.chin + dice.between(46, 62)
    xs = (0, p.neck * 0.75, p.neck * 1.15, p.shoulders - 32, p.shoulders - 5, p.shoulders + 5)
    ys = (depth + 12, depth, p.chin + 22, slope, slope + 32, p.chin + 210)
    canvas.fill(mirrored(list(zip(xs, ys, strict=True))), cloth)


def draw_back_hair(canvas: Canvas, person: Person, dice: Dice) -> None:
    """Draw the hair behind the head: a cap, and for long hair the fall to its end."""
    p = person
    out, end = p.hair_volume, max(p.hair_end, 5)
    top = p.crown * min(1.0, 1.75 - p.hairline)
    side = [p.width + 0.7 * out + dice.around(0, p.waves) for _ in range(3)]
    xs = (0, 0.62 * p.width, p.width + 0.6 * out, *side, 0.5 * p.width)
    ys = (
        -top - 0.65 * out,
        -0.9 * top - 0.65 * out,
        -0.42 * top,
        end * 0.3,
        end * 0.7,
        end,
        end + 3,
    )
    canvas.fill(loop(xs, ys), mix(p.hair, (0, 0, 0), 0.3), 0.35 + 0.75 * p.density)


def draw_head(canvas: Canvas, person: Person) -> None:
    """Draw ears, head and the broad shading of the face."""
    p = person
    dark, light = mix(p.skin, (70, 25, 10), 0.42), mix(p.skin, (255, 246, 235), 0.5)
    edge, red = mix(p.skin, dark, 0.4), mix(p.skin, (205, 70, 60), 0.5)
    for side in (-1, 1):
        canvas.fill(ellipse(side * (p.width + 2), 14, 11, 23), edge)
        canvas.shade(side * (p.width + 3), 14, 7, 16, dark, 0.5)
    outline = head_outline(p)
    canvas.fill(outline, edge)
    # Smaller copies in the tone of the skin make the head look round.
    for step in range(1, 7):
        size = 1 - 0.028 * step
        canvas.fill([(x * size, y * size) for x, y in outline], p.skin, 0.3)
    canvas.shade(0, -0.5 * p.crown, 52, 30, light, 0.35)
    canvas.shade(0, 0.9 * p.chin, 0.7 * p.chin_width, 10, light, 0.25)
    for side in (-1, 1):
        canvas.shade(side * 0.58 * p.width, 0.4 * p.chin, 26, 22, red, 0.2 + 0.4 * p.blush)
        canvas.shade(side * 0.56 * p.width, 0.33 * p.chin, 18, 12, light, 0.3)
        canvas.shade(side * p.eye_gap, -2, 1.6 * p.eye, 1.1 * p.eye, dark, 0.3 + 0.12 * p.lines)
        canvas.shade(side * 0.75 * p.width, 0.62 * p.chin, 20, 22, dark, 0.16 + 0.2 * p.lines)


def draw_eye(canvas: Canvas, person: Person, side: int) -> None:
    """Draw an eye and its brow. The lids cut the iris; the upper lid falls with the years."""
    p = person
    x, half, slant = side * p.eye_gap, p.eye, -0.8 * side
    upper_rise, lower_rise = half * (0.62 - 0.13 * p.lines), half * -0.4
    upper, lower = arch(x, half, 0, upper_rise, slant), arch(x, half, 0, lower_rise, slant)
    canvas.fill(upper + lower[::-1], (236, 232, 226))

    def between_lids(point: Point) -> Point:
        share = max(1 - ((point[0] - x) / half) * ((point[0] - x) / half), 0)
        return point[0], min(max(point[1], -upper_rise * share), -lower_rise * share)

    for size, colour in ((0.5, mix(p.iris, (0, 0, 0), 0.35)), (0.42, p.iris), (0.22, (14, 12, 12))):
        circle = ellipse(x, -0.12 * half, size * half, size * half)
        canvas.fill(map(between_lids, circle), colour)
    canvas.fill(ellipse(x + 0.14 * half, -0.28 * half, 2, 2), (255, 255, 255), 0.85)
    lid = mix(p.skin, (40, 16, 10), 0.75)
    canvas.stroke(upper, 2.6 * p.contrast + 0.8, lid, 0.85)
    canvas.stroke(lower, 1.2, lid, 0.4)
    canvas.stroke(arch(x, half, -0.22 * half, upper_rise + 1, slant), 1.6, lid, 0.45)
    brow = arch(x + 2.5 * side, 22.5, -p.brow_height - 0.15 * half, 5 - 0.2 * p.brow, -1.5 * side)
    canvas.stroke(brow, 1.3 * p.brow, mix(p.hair, (20, 14, 12), 0.45), 0.8 * p.contrast)


def draw_nose(canvas: Canvas, person: Person) -> None:
    """Draw the nose: a bright ridge, darker sides, nostrils."""
    p = person
    dark, light = mix(p.skin, (60, 20, 10), 0.6), mix(p.skin, (255, 248, 240), 0.6)
    tip, wide = p.nose, p.nose_width
    canvas.shade(0.75 * wide, 0.6 * tip, 0.5 * wide, 0.6 * tip, dark, 0.22)
    canvas.shade(-0.75 * wide, 0.5 * tip, 0.35 * wide, 0.6 * tip, dark, 0.12)
    canvas.shade(0, 0.45 * tip, 5, 0.5 * tip, light, 0.4)
    canvas.shade(0, tip + 5, 1.1 * wide, 7, dark, 0.4)
    canvas.shade(0, tip - 6, 0.5 * wide, 7, light, 0.45)
    for side in (-1, 1):
        canvas.shade(side * 0.45 * wide, tip + 2, 5, 3, (30, 10, 8), 0.8)
        wing = curve((wide - 1, wide + 1, wide * 0.8), (tip - 10, tip - 3, tip + 3), side)
        canvas.stroke(wing, 2, dark, 0.7)


def draw_mouth(canvas: Canvas, person: Person) -> None:
    """Draw the lips. A smile lifts the corners. High contrast sets them off from the skin."""
    p = person
    half, lip, y, corner = p.mouth_width, p.lip, p.mouth_y, p.mouth_y - p.smile
    lips = mix(mix(p.skin, (150, 55, 55), 0.5), (80, 20, 25), 0.2 * p.contrast)
    seam = arch(0, half, corner, -p.smile)
    high, low = y - lip * 0.85, y - lip * 0.6
    bow = curve((-half, -0.3 * half, 0, 0.3 * half, half), (corner, high, low, high, corner))
    under = arch(0, 0.92 * half, corner, -p.smile - lip * 1.1)
    canvas.fill(bow + seam[::-1], mix(lips, (60, 15, 15), 0.2), 0.45 + 0.4 * p.contrast)
    canvas.fill(seam + under[::-1], lips, 0.45 + 0.4 * p.contrast)
    canvas.shade(0, y + lip * 0.6, half * 0.5, lip * 0.4, (255, 235, 230), 0.15)
    canvas.stroke(seam, 2, (60, 20, 20), 0.75)
    canvas.shade(0, y + lip + 7, half * 0.7, 6, mix(p.skin, (60, 20, 10), 0.6), 0.3)


def draw_lines(canvas: Canvas, person: Person, dice: Dice) -> None:
    """Draw what the years leave: furrows, crow's feet, folds, bags under the eyes, spots."""
    p = person
    dark, light = mix(p.skin, (70, 30, 20), 0.75), mix(p.skin, (255, 246, 238), 0.5)
    depth = min(1.1 * p.lines, 1)

    def crease(line: Sequence[Point], width: float, share: float) -> None:
        canvas.stroke([(x, y + 1.8) for x, y in line], width, light, depth * share * 0.5)
        canvas.stroke(line, width, dark, depth * share)

    for row in range(3):
        y, reach = dice.around(-0.42 * p.crown - 11 * row, 2), dice.around(42 - 6 * row, 4)
        xs, ys = (-reach, -reach / 2, 0, reach / 2, reach), (y + 2, y - 2, y, y - 2, y + 2)
        crease(curve(xs, ys), 2.4, 0.8)
    fold, corner = (p.nose_width + 4, p.mouth_width + 4, p.mouth_width + 8), p.eye_gap + p.eye
    for side in (-1, 1):
        crease(curve((5, 6, 5), (-26, -18, -10), side), 2.2, 0.7)
        crease(curve(fold, (p.nose - 6, p.mouth_y - 10, p.mouth_y + 10), side), 3.2, 1)
        crease(curve(fold[1:], (p.mouth_y + 8, p.mouth_y + 26), side), 2.6, 0.7)
        canvas.shade(side * p.eye_gap, 0.95 * p.eye, p.eye, 8, dark, 0.5 * depth)
        crease(arch(side * p.eye_gap, p.eye, 0.6 * p.eye, -0.55 * p.eye), 2.2, 0.8)
        for ray in (-1, 0, 1):
            crease(curve((corner + 3, corner + 16), (3 * ray, 9 * ray + 2), side), 1.8, 0.9)
    for _ in range(round(40 * p.lines)):
        x, y = dice.between(-0.85, 0.85) * p.width, dice.between(-0.6 * p.crown, 0.85 * p.chin)
        size = dice.between(1, 3.5)
        canvas.fill(ellipse(x, y, size, size), dark, dice.between(0.08, 0.3))


def draw_beard(canvas: Canvas, person: Person) -> None:
    """Draw beard and moustache, from a shadow of stubble to full."""
    p = person
    colour = mix(mix(p.hair, (24, 20, 20), 0.6), p.skin, 0.1)
    half, mouth = p.mouth_width, p.mouth_y
    outer = [(x * 0.99, y) for x, y in head_outline(p) if y > 0.12 * p.chin]
    xs = (0.85 * p.width, half + 12, half * 0.6, 0, -half * 0.6, -half - 12, -0.85 * p.width)
    cheek, low = 0.16 * p.chin, mouth + 18
    inner = curve(xs, (cheek, mouth, low, mouth + 14, low, mouth, cheek))
    canvas.fill(outer + inner[::-1], colour, 0.9 * p.beard)
    lip = loop((0, 14, half + 6, 12, 0), (p.nose + 9, p.nose + 7, mouth + 2, mouth - 7, mouth - 6))
    canvas.fill(lip, colour, 0.8 * p.moustache)


def draw_front_hair(canvas: Canvas, person: Person, dice: Dice) -> None:
    """Draw the hair over the forehead and at the temples. A bald head has none there."""
    p = person
    line, crown, out = -p.hairline * p.crown, -p.crown - 0.65 * p.hair_volume, 0.5 * p.hair_volume
    temple = -0.25 * p.crown
    if p.hairline < 0.97:
        part, wide = p.parting * 0.6 * p.width, (p.width + 3, p.width + out, 0.62 * p.width)
        outer = curve((*wide, 0), (4, -0.45 * p.crown, 0.9 * crown, crown))
        xs = (-0.9 * p.width, -0.68 * p.width, part, 0.68 * p.width, 0.9 * p.width)
        inner = curve(xs, (temple, line + 12, line - 6, line + 12, temple))
        canvas.fill(outer + [(-x, y) for x, y in outer[::-1]] + inner, p.hair, p.density)
        for _ in range(50):
            draw_strand(canvas, person, dice, part)
    for side in (-1, 1) if p.hair_end > 60 else ():
        draw_lock(canvas, person, dice, side)


def strand_tone(person: Person, dice: Dice) -> Colour:
    """Return a colour a little darker or lighter than the hair."""
    edge = (0, 0, 0) if dice.chance(0.5) else (255, 240, 220)
    return mix(person.hair, edge, dice.between(0.15, 0.5))


def draw_strand(canvas: Canvas, person: Person, dice: Dice, part: float) -> None:
    """Draw a single strand from the parting to one side."""
    p = person
    side, reach = (1 if dice.chance(0.5) else -1), dice.random()
    line, crown = -p.hairline * p.crown, -p.crown - 0.65 * p.hair_volume
    top, end = line - 8 + (crown - line + 10) * reach, -p.crown * dice.between(0.12, 0.5)
    bend = side * p.width * (0.5 + 0.15 * reach) + dice.around(0, p.waves)
    xs = (part + side * 6 * reach, bend, side * p.width * dice.between(0.8, 1.02))
    strand = curve(xs, (top, (top * 1.1 + end) / 2 - 20 * reach, end))
    canvas.stroke(strand, 1.8, strand_tone(p, dice), 0.5 * p.density)


def draw_lock(canvas: Canvas, person: Person, dice: Dice, side: int) -> None:
    """Draw the long hair that falls in front of an ear."""
    p = person
    inside, outside = p.width * dice.between(0.7, 0.86), p.width + 0.7 * p.hair_volume
    end, top = p.hair_end, -0.42 * p.crown
    wave, tip = dice.around(0, p.waves), dice.around(0, p.waves)
    inner = curve(
        (inside, inside + 5, inside + wave, inside + tip), (top, 0.1 * end, 0.5 * end, end)
    )
    above = p.width + 0.45 * p.hair_volume
    outer = curve((outside + tip, outside + wave, above), (end, 0.4 * end, top))
    canvas.fill([(side * x, y) for x, y in inner + outer], p.hair, p.density)
    for _ in range(14):
        x = dice.between(inside + 4, outside)
        strand = curve((x, x + wave, x + tip), (-0.3 * p.crown, 0.5 * end, end), side)
        canvas.stroke(strand, 1.8, strand_tone(p, dice), 0.5)


def draw_glasses(canvas: Canvas, person: Person, dice: Dice) -> None:
    """Draw the rims of a pair of glasses."""
    rim, high = mix((20, 20, 24), (130, 110, 90), dice.random()), dice.between(15, 21)
    for side in (-1, 1):
        outer = ellipse(side * person.eye_gap, 3, 27, high)
        inner = ellipse(side * person.eye_gap, 3, 24.5, high - 2.5)
        canvas.fill([*outer, outer[0], inner[0], *inner[:0:-1], inner[0]], rim, 0.9)
        canvas.stroke(curve((66, 78, 88), (-2, -4, -5), side), 3.5, rim, 0.9)
    canvas.stroke(arch(0, 15, 2, 4), 3, rim, 0.9)


def develop(picture: Image.Image, photo: Photo, seed: int) -> Image.Image:
    """Return the finished photo: half the size, blurred, lit from a side, with sensor noise."""
    picture = picture.reduce(2).filter(ImageFilter.BoxBlur(photo.blur))
    pixels = np.asarray(picture).astype(np.int32)
    across = np.arange(SIZE, dtype=np.int32) - SIZE // 2
    # 256 stands for unchanged; a light of 28 makes the edges 11 % brighter and darker.
    light = photo.light_x * across[None, :] + photo.light_y * across[:, None]
    gain = photo.exposure + light // (SIZE // 2)
    tint = np.array([photo.warmth, 0, -photo.warmth], dtype=np.int32)
    pixels = pixels * gain[:, :, None] // 256 + tint
    noise = np.random.Generator(np.random.PCG64(seed))
    strength = photo.noise
    for _ in range(2):
        pixels += noise.integers(-strength, strength + 1, pixels.shape, dtype=np.int32)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def draw_face(number: int, age: str, gender: str) -> Image.Image:
    """Return the photo of one person."""
    dice = Dice(number)
    person = make_person(dice, age, gender)
    photo = make_photo(dice, person)
    canvas = Canvas(photo, draw_background(dice))
    draw_back_hair(canvas, person, dice)
    draw_body(canvas, person, dice)
    draw_head(canvas, person)
    draw_nose(canvas, person)
    for side in (-1, 1):
        draw_eye(canvas, person, side)
    draw_lines(canvas, person, dice)
    if person.beard or person.moustache:
        draw_beard(canvas, person)
    draw_mouth(canvas, person)
    draw_front_hair(canvas, person, dice)
    if person.glasses:
        draw_glasses(canvas, person, dice)
    return develop(canvas.picture, photo, number)
