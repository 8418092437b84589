"""Lab 12: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

# 12.1 A letter in the middle


def middle(box, size):
    left, top, right, bottom = box
    return (size - right + left) // 2 - left, (size - bottom + top) // 2 - top


def renderer(
    *,
    mode="L",
    paper=0,
    ink=255,
    place=middle,
    letter_of=lambda letter: letter,
    font_of=lambda font: font,
    size_of=lambda size: size,
    image_of=lambda image: image,
    then=lambda a: a / 255,
):
    """A renderer with a part replaced."""

    def render(letter, font, size):
        letter, font, size = letter_of(letter), font_of(font), size_of(size)
        image = Image.new(mode, (size, size), paper)
        at = place(font.getbbox(letter), size)
        ImageDraw.Draw(image).text(at, letter, fill=ink, font=font)
        return then(np.asarray(image_of(image), dtype=np.float64))

    return render


def by_weight(letter, font, size):
    image = renderer()(letter, font, size)
    for axis in (0, 1):
        shape = [1, 1]
        shape[axis] = size
        mean = (image * (np.arange(size) + 0.5).reshape(shape)).sum() / image.sum()
        image = np.roll(image, round(size / 2 - mean), axis)
    return image


def blown_up(letter, font, size):
    mask = font.getmask(letter)
    ink = Image.frombytes("L", mask.size, bytes(mask))
    image = Image.new("L", (size, size), 0)
    image.paste(ink.resize((size - 8, size - 8)), (4, 4))
    return np.asarray(image) / 255


def inverted_twice(letter, font, size):
    sheet = Image.new("L", (4 * size, 4 * size), 255)
    ImageDraw.Draw(sheet).text((size, size), letter, fill=0, font=font)
    ink = ImageOps.invert(ImageOps.invert(sheet))
    letter_only = ink.crop(ink.getbbox())
    image = Image.new("L", (size, size))
    image.paste(letter_only, ((size - letter_only.width + 1) // 2, (size - letter_only.height + 1) // 2))
    return np.asarray(image) / 255


def stretched_to_the_edges(letter, font, size):
    mask = font.getmask(letter)
    return np.asarray(Image.frombytes("L", mask.size, bytes(mask)).resize((size, size))) / 255


def forgets_the_font(letter, font, size):
    return renderer(font_of=lambda font: ImageFont.load_default())(letter, font, size)


def in_list(letter, font, size):
    return renderer()(letter, font, size).tolist()


corner = renderer(place=lambda box, size: (0, 0))
forgets_the_box_begins_later = renderer(
    place=lambda box, size: ((size - box[2] + box[0]) // 2, (size - box[3] + box[1]) // 2)
)
forgets_left = renderer(place=lambda box, size: ((size - box[2] + box[0]) // 2, middle(box, size)[1]))
adds_left = renderer(place=lambda box, size: ((size - box[2] - box[0]) // 2 - box[0], middle(box, size)[1]))
adds_top = renderer(place=lambda box, size: (middle(box, size)[0], (size - box[3] - box[1]) // 2 - box[1]))
forgets_top = renderer(place=lambda box, size: (middle(box, size)[0], (size - box[3] + box[1]) // 2 - 1))
begins_in_the_middle = renderer(place=lambda box, size: (size // 2 - box[0], size // 2 - box[1]))
white_on_black = renderer(paper=255, ink=0)
bytes_for_shares = renderer(then=lambda a: a)
whole_numbers = renderer(then=lambda a: a.astype(np.uint8))
divided_twice = renderer(then=lambda a: a / 255**2 * 100)
divided_by_256 = renderer(then=lambda a: a / 256)
colours = renderer(mode="RGB", ink=(255, 255, 255))
no_greys = renderer(then=lambda a: (a > 127).astype(float))
upside_down = renderer(then=lambda a: a[::-1] / 255)
mirrored = renderer(then=lambda a: a[:, ::-1] / 255)
turned_round = renderer(image_of=lambda image: image.rotate(180))
on_its_side = renderer(then=lambda a: a.T / 255)
always_a = renderer(letter_of=lambda letter: "A")
small_letters = renderer(letter_of=str.lower)
fixed_size = renderer(size_of=lambda size: 48)
half_pixels = renderer(then=lambda a: (a + np.roll(a, 1, axis=1)) / 2 / 255)
made_bolder = renderer(image_of=lambda image: image.filter(ImageFilter.MaxFilter(3)))
drawn_beside = renderer(place=lambda box, size: (-100, middle(box, size)[1]))
pasted_without_halving = renderer(place=lambda box, size: (middle(box, size)[0], size - box[3]))
nothing_is_drawn = renderer(ink=0)


def render_by_mask(letter, font, size):
    """Right: Pillow's mask of the letter, put into an array; in torch, and in float32."""
    mask = font.getmask(letter)
    width, height = mask.size
    ink = np.array(mask, dtype=np.float32).reshape(height, width) / 255
    image = np.zeros((size, size), dtype=np.float32)
    top, left = (size - height) // 2, (size - width) // 2
    image[top : top + height, left : left + width] = ink
    return image


def render_by_search(letter, font, size):
    """Right: drawn anywhere on a large sheet, cut out by its ink, and padded on both sides."""
    sheet = Image.new("L", (4 * size, 4 * size), 255)
    ImageDraw.Draw(sheet).text((size, size), letter, fill=0, font=font)
    ink = ImageOps.invert(sheet)
    letter_only = ink.crop(ink.getbbox())
    image = Image.new("L", (size, size))
    image.paste(letter_only, ((size - letter_only.width + 1) // 2, (size - letter_only.height + 1) // 2))
    return torch.from_numpy(np.array(image)) / 255.0


# 12.2 Families stay together


def parts(families, validation, test):
    of = np.array(families)
    test, validation = np.isin(of, list(test)), np.isin(of, list(validation))
    return [np.flatnonzero(one).tolist() for one in (~test & ~validation, validation, test)]


def splitter(*, names=lambda families, rng: rng.permutation(sorted(set(families))), then=lambda three: three):
    """A split with a part replaced."""

    def split_by_family(families, n_test, n_validation, rng):
        order = list(names(families, rng))
        return then(parts(families, order[n_test : n_test + n_validation], order[:n_test]))

    return split_by_family


def by_face(families, n_test, n_validation, rng):
    order = rng.permutation(len(families)).tolist()
    return order[n_test + n_validation :], order[n_test : n_test + n_validation], order[:n_test]


def runs_side_by_side(families, n_test, n_validation, rng):
    starts = [i for i in range(len(families)) if i == 0 or families[i] != families[i - 1]]
    runs = [list(range(a, b)) for a, b in zip(starts, [*starts[1:], len(families)], strict=True)]
    order = rng.permutation(len(runs)).tolist()
    cuts = order[n_test + n_validation :], order[n_test : n_test + n_validation], order[:n_test]
    return [[face for run in cut for face in runs[run]] for cut in cuts]


def train_is_everything(families, n_test, n_validation, rng):
    _, validation, test = splitter()(families, n_test, n_validation, rng)
    return list(range(len(families))), validation, test


def slices_overlap(families, n_test, n_validation, rng):
    names = rng.permutation(sorted(set(families))).tolist()
    cut = n_test + n_validation
    chosen = names[cut:], names[n_test:cut], names[: n_test + 1]
    return [[i for i, family in enumerate(families) if family in part] for part in chosen]


def a_name_is_left_out(families, n_test, n_validation, rng):
    names = rng.permutation(sorted(set(families))).tolist()
    cut = n_test + n_validation
    chosen = names[cut:], names[n_test + 1 : cut], names[:n_test]
    return [[i for i, family in enumerate(families) if family in part] for part in chosen]


def faces_come_twice(families, n_test, n_validation, rng):
    train, validation, test = splitter()(families, n_test, n_validation, rng)
    return train, validation, test + test


def weighted_by_faces(families, rng):
    return list(dict.fromkeys(families[i] for i in rng.permutation(len(families))))


def smallest_first(families, rng):
    names = rng.permutation(sorted(set(families))).tolist()
    return sorted(names, key=lambda name: families.count(name) + 16 * rng.random())


def one_validation_family(families, n_test, n_validation, rng):
    return splitter()(families, n_test, 1, rng)


def rest_goes_to_validation(families, n_test, n_validation, rng):
    names = rng.permutation(sorted(set(families))).tolist()
    return parts(families, names[n_test:], names[:n_test])


def drawn_with_replacement(families, n_test, n_validation, rng):
    names = sorted(set(families))
    test = rng.choice(names, n_test)
    return parts(families, rng.choice([name for name in names if name not in test], n_validation), test)


def names_with_their_repeats(families, n_test, n_validation, rng):
    names = rng.permutation(families).tolist()
    cut = n_test + n_validation
    chosen = names[cut:], names[n_test:cut], names[:n_test]
    return [[i for i, family in enumerate(families) if family in part] for part in chosen]


def faces_are_lost(families, n_test, n_validation, rng):
    train, validation, test = splitter()(families, n_test, n_validation, rng)
    of = dict(zip(reversed(families), reversed(range(len(families))), strict=True))
    return [face for face in train if of[families[face]] == face], validation, test


def test_families_in_their_order(families, rng):
    return list(dict.fromkeys(families))


def first_family_stays(families, rng):
    names = sorted(set(families))
    return [*rng.permutation(names[1:]).tolist(), names[0]]


def names_in_names(families, n_test, n_validation, rng):
    names = rng.permutation(sorted(set(families)))
    test, validation = names[:n_test], names[n_test : n_test + n_validation]
    found = [[], [], []]
    for face, family in enumerate(families):
        part = 2 if any(name in family for name in test) else 1 if any(name in family for name in validation) else 0
        found[part].append(face)
    return found


def own_source(families, rng):
    return np.random.permutation(sorted(set(families)))


sorted_names = splitter(names=test_families_in_their_order)
faces_drawn = splitter(names=weighted_by_faces)
small_ones_first = splitter(names=smallest_first)
one_is_never_tested = splitter(names=first_family_stays)
seedless = splitter(names=own_source)
test_first = splitter(then=lambda three: three[::-1])
two_parts = splitter(then=lambda three: (three[0] + three[1], three[2]))
counted_from_one = splitter(then=lambda three: [[face + 1 for face in part] for part in three])


def names_for_numbers(families, n_test, n_validation, rng):
    return [[families[face] for face in part] for part in splitter()(families, n_test, n_validation, rng)]


def masks(families, n_test, n_validation, rng):
    return [np.isin(range(len(families)), part) for part in splitter()(families, n_test, n_validation, rng)]


def ones_and_zeros(families, n_test, n_validation, rng):
    return [mask.astype(int) for mask in masks(families, n_test, n_validation, rng)]


def lengths(families, n_test, n_validation, rng):
    return [len(part) for part in splitter()(families, n_test, n_validation, rng)]


def numbers_as_texts(families, n_test, n_validation, rng):
    return [[str(face) for face in part] for part in splitter()(families, n_test, n_validation, rng)]


def floats(families, n_test, n_validation, rng):
    return [np.array(part, dtype=float) for part in splitter()(families, n_test, n_validation, rng)]


def empty_lists(families, n_test, n_validation, rng):
    return [], [], []


def nested_lists(families, n_test, n_validation, rng):
    return [[[face] for face in part] for part in splitter()(families, n_test, n_validation, rng)]


def split_by_choice(families, n_test, n_validation, rng):
    """Right: families are drawn with `choice`, faces gathered in loops, and arrays returned."""
    names = list(dict.fromkeys(families))
    chosen = rng.choice(len(names), n_test + n_validation, replace=False)
    test = {names[i] for i in chosen[:n_test]}
    validation = {names[i] for i in chosen[n_test:]}
    lists = ([], [], [])
    for face, family in enumerate(families):
        lists[2 if family in test else 1 if family in validation else 0].append(face)
    return tuple(np.array(part) for part in lists)


def split_by_shuffling(families, n_test, n_validation, rng):
    """Right: shuffled in place, cut from the end."""
    names = np.unique(families)
    rng.shuffle(names)
    return parts(families, names[-n_test - n_validation : -n_test], names[-n_test:])


# 12.3 One template a letter


def place_for_label(templates, labels, images):
    return ((images.astype(float)[:, None] - templates.astype(float)[None]) ** 2).sum(axis=-1).argmin(axis=1)


def first_image_only(templates, labels, images):
    return labels[place_for_label(templates, labels, images)][:1]


def without_the_template(templates, labels, images):
    return labels[[(image.astype(float) ** 2 + 0 * templates).sum(axis=1).argmin() for image in images]]


def match_in_whole_numbers(templates, labels, images):
    return labels[((images.astype(int)[:, None] - templates.astype(int)[None]) ** 2).sum(axis=-1).argmin(axis=1)]


def divides_in_place(templates, labels, images):
    images -= images.mean() * 0.01
    return labels[place_for_label(templates, labels, images)]


def floats_too_late(templates, labels, images):
    return labels[[((templates - image).astype(float) ** 2).sum(axis=1).argmin() for image in images]]


def match_by_products(templates, labels, images):
    """Right: |a - b|^2 = |a|^2 - 2ab + |b|^2, in one product."""
    t, x = templates.astype(float), images.astype(float)
    return labels[((t**2).sum(1)[None] - 2 * x @ t.T).argmin(1)]


def match_by_loops(templates, labels, images):
    """Right: in loops, with a list."""
    answers = []
    for image in images:
        distance = [float(np.linalg.norm(image.astype(float) - t)) for t in templates.astype(float)]
        answers.append(int(labels[distance.index(min(distance))]))
    return answers


# 12.4 Accuracy against fonts


def curve(
    *,
    known=lambda family, order, k, test: np.isin(family, order[:k]),
    asked=lambda family, order, k, test: np.isin(family, test),
    templates=lambda x, y, here, there: (x[here], y[here]),
):
    """A curve with a part replaced."""

    def font_curve(x, y, family, order, test, ks, classify):
        accuracy = []
        for k in ks:
            here, there = known(family, order, k, test), asked(family, order, k, test)
            accuracy.append(np.mean(classify(*templates(x, y, here, there), x[there]) == y[there]))
        return np.array(accuracy)

    return font_curve


def one_number(x, y, family, order, test, ks, classify):
    return float(curve()(x, y, family, order, test, ks, classify).mean())


def labels_of_other_rows(x, y, family, order, test, ks, classify):
    return curve(templates=lambda x, y, here, there: (x[here], y))(x, y, family, order, test, ks, classify)


def labels_come_first(x, y, family, order, test, ks, classify):
    return curve()(x, y, family, order, test, ks, lambda known, labels, images: classify(labels, known, images))


def labels_come_last(x, y, family, order, test, ks, classify):
    return curve()(x, y, family, order, test, ks, lambda known, labels, images: classify(known, images, labels))


def images_come_first(x, y, family, order, test, ks, classify):
    return curve()(x, y, family, order, test, ks, lambda known, labels, images: classify(images, labels, known))


def labels_of_the_test(x, y, family, order, test, ks, classify):
    return curve(templates=lambda x, y, here, there: (x[here], y[there]))(x, y, family, order, test, ks, classify)


def own_reader(x, y, family, order, test, ks, classify):
    return curve()(x, y, family, order, test, ks, match_by_products)


tested_on_training = curve(asked=lambda family, order, k, test: np.isin(family, order[:k]))
templates_of_the_test = curve(known=lambda family, order, k, test: np.isin(family, test))
test_leaks_into_training = curve(known=lambda family, order, k, test: np.isin(family, [*order[:k], *test]))


def curve_by_sets(x, y, family, order, test, ks, classify):
    """Right: with sets and lists of rows."""
    accuracy = []
    held_out = [i for i, name in enumerate(family) if name in set(test)]
    for k in ks:
        seen = set(list(order)[:k])
        rows = [i for i, name in enumerate(family) if name in seen]
        answers = np.asarray(classify(x[rows], y[rows], x[held_out]))
        accuracy.append(float(sum(answers == y[held_out]) / len(held_out)))
    return accuracy


def curve_one_image_at_a_time(x, y, family, order, test, ks, classify):
    """Right: slow, image by image."""
    rows = np.flatnonzero(np.isin(family, test))
    return [
        np.mean([classify(*(a[np.isin(family, order[:k])] for a in (x, y)), x[[i]])[0] == y[i] for i in rows])
        for k in ks
    ]


def smallest_begins_at_a_million(templates, labels, images):
    answers = []
    for image in images.astype(float):
        best, found = 1e6, labels[0]
        for template, label in zip(templates.astype(float), labels, strict=True):
            if (distance := ((image - template) ** 2).sum()) < best:
                best, found = distance, label
        answers.append(found)
    return np.array(answers)


def rounded_greys(letter, font, size):
    return np.round(render_by_mask(letter, font, size), 2)


WRONG = {
    "12.1": [
        (corner, "your letters stand at the top left"),
        (forgets_the_box_begins_later, "is off by where its box begins"),
        (stretched_to_the_edges, "from the upper edge to the lower"),
        (forgets_the_font, "you draw in one font"),
        (forgets_top, "take its top away from y"),
        (forgets_left, "take its left away from x"),
        (adds_top, "The ink's height is bottom - top"),
        (adds_left, "The ink's width is right - left"),
        (begins_in_the_middle, "Where should its ink begin"),
        (pasted_without_halving, "From left to right all letters are in the middle"),
        (by_weight, "the middle of the *ink's weight*"),
        (white_on_black, "Are ink and paper swapped, or"),
        (bytes_for_shares, "the pixels go up to"),
        (whole_numbers, "the pixels should be floats from 0 to 1; yours are uint8"),
        (divided_twice, "the most in your image is"),
        (divided_by_256, "full ink should be 1; yours is 0.9961"),
        (inverted_twice, "getbbox boxes whatever isn't 0"),
        (drawn_beside, "from which it lies within the image"),
        (colours, "'RGB' has three"),
        (in_list, "you return a list"),
        (fixed_size, "should have the shape (61, 61)"),
        (no_greys, "there are no greys"),
        (upside_down, "stand on their head"),
        (mirrored, "are mirrored"),
        (turned_round, "turned by 180 degrees"),
        (on_its_side, "lie on their side"),
        (always_a, "you draw the same one"),
        (small_letters, "you draw small letters"),
        (blown_up, "is it blown up?"),
        (half_pixels, "your letters are blurred"),
        (rounded_greys, "your greys are no whole 255ths"),
        (made_bolder, "the letters' shapes are not those that the font draws"),
    ],
    "12.2": [
        (names_in_names, "and holds its name"),
        (by_face, "Are faces dealt out"),
        (runs_side_by_side, "A face tells on its relatives"),
        (drawn_with_replacement, "is none drawn twice"),
        (names_with_their_repeats, "Is a name drawn more than once"),
        (slices_overlap, "do your slices of the names overlap"),
        (faces_come_twice, "or the face put in twice"),
        (train_is_everything, "train is what the two others leave"),
        (rest_goes_to_validation, "where does a family go that wasn't drawn"),
        (one_validation_family, "n_validation counts families"),
        (faces_are_lost, "others of its family are in one"),
        (a_name_is_left_out, "do your slices leave a name out"),
        (sorted_names, "the test families are the same for every `rng`"),
        (faces_drawn, "large families are in the test more often"),
        (small_ones_first, "small families are in the test more often"),
        (one_is_never_tested, "is never in the test"),
        (seedless, "so there is another source of randomness"),
        (test_first, "the right numbers, in another order"),
        (two_parts, "you return 2 things"),
        (counted_from_one, "they are numbered 0 to"),
        (names_for_numbers, "holds names; give the numbers"),
        (masks, "holds True and False"),
        (nested_lists, "yours is nested"),
        (ones_and_zeros, "all are 0 or 1"),
        (lengths, "of type int"),
        (numbers_as_texts, "of type str"),
        (floats, "of type float"),
        (empty_lists, "all three parts are empty"),
    ],
    "12.3": [
        (place_for_label, "you return the template's place"),
        (smallest_begins_at_a_million, "does the smallest distance so far begin at a fixed number"),
        (floats_too_late, "goes wrong on uint8 pixels"),
        (without_the_template, "Does each distance use both"),
        (match_in_whole_numbers, "you turn the pixels into whole numbers"),
        (first_image_only, "answers should be an array of shape"),
        (divides_in_place, "changed its input `images` in place"),
    ],
    "12.4": [
        (tested_on_training, "you test on the families that you train on"),
        (templates_of_the_test, "the templates are made of the test images"),
        (test_leaks_into_training, "you train on the test families too"),
        (own_reader, "never calls `classify`"),
        (one_number, "but yours has the shape ()"),
        (labels_of_other_rows, "labels: give one label for each"),
        (labels_come_first, "(18,), (18, 20), (12, 20)"),
        (labels_come_last, "(18, 20), (12, 20), (18,)"),
        (images_come_first, "gets test images as templates"),
        (labels_of_the_test, "or are these the images' labels?"),
    ],
}

RIGHT = {
    "12.1": [render_by_mask, render_by_search],
    "12.2": [split_by_choice, split_by_shuffling],
    "12.3": [match_by_products, match_by_loops],
    "12.4": [curve_by_sets, curve_one_image_at_a_time],
}
