"""For each mark of each free text but the full one, an answer that earns it; the full one is the solution's own.

They are for those who mark: the page of marking and the rubrics for teachers show them. Nobody's real answer is here.
"""

import json
from pathlib import Path

from coursekit.feedback import Lab

__all__ = ["SAMPLES", "samples_of"]

SAMPLES: dict[str, dict[int, str]] = {
    "1.5": {
        2: "With the ball: without momentum it bounces from wall to wall; with momentum pushes from the two walls "
        "cancel and it rushes along the floor. Without: gradients across alternate in sign and cancel in the "
        "sum of past gradients, gradients along add up. (Both sound, and nothing on where the ball misleads.)",
        0: "The line wiggles first and then goes to the middle. Without the ball: the point speeds up downhill and "
        "its momentum carries it over the small bumps. (What is seen; then the ball in other words.)",
    },
    "2.5": {
        2: "Pipeline 1 fills gaps with means per label, of test rows too; split first, impute blind to labels. "
        "Pipeline 2: copies of test rows are in the training set; split before copying. Pipeline 3 overfits "
        "with 200 models. (Two in full; in the third the choice by test labels isn't seen.)",
        0: "All three overfit: there are few rows and many columns, so the accuracy is too high. Use "
        "cross-validation and more data. (General; no line, nothing that travels.)",
    },
    "3.4": {
        4: "b ≤ 0, w1 + b > 0, w2 + b > 0, w1 + w2 + b ≤ 0. The middle two add up to w1 + w2 + 2b > 0, the outer "
        "two to ≤ 0: contradiction, for all weights. For AND the middle two are turned round, and (2, 2, -3) "
        "works. A sigmoid is smooth, so it may bend the line. (The proof and AND are right, the sigmoid is "
        "wrong.)",
        2: "b ≤ 0, w1 + b > 0, w2 + b > 0, w1 + w2 + b ≤ 0. If w1 = w2 = 1 then b > -1 and b ≤ -2, which can't be. "
        "(Right demands; a contradiction for one pair of weights.)",
        0: "I ran a million passes and it never got all four rows, so it is impossible; XOR isn't linearly "
        "separable. (A run taken for a proof, and the theorem stated.)",
    },
    "4.5": {
        3: "Slopes fall about tenfold for each layer, from 9e-03 at W6 to 1e-07 at W1, since each layer multiplies "
        "blame by weights and by a slope of at most 1/4. I set the scale to 1 and it learned. (Cause and number "
        "are right; no other cause is ruled out, and the change wasn't predicted.)",
        1: "The slopes vanish in the lower layers. With larger weights it works. (Named, with no reason.)",
        0: "The loss stays near 2.302, so the gradient must be computed wrongly, or the rate is too small. (The "
        "log shows a relative error of 1e-9.)",
    },
    "5.8": {
        2: "Crossover by blocks added 3.6 points [3.0, 4.2], gene by gene took 2.3 [1.9, 2.8] away. A block "
        "survives the first whole, and the second tears it. (Effects, intervals and reason; no limit with a "
        "run.)",
        1: "Blocks: 3.6 points better. Gene by gene: 2.3 points worse. So it depends. (Numbers; neither intervals "
        "nor a reason nor a limit.)",
        0: "Crossover combines the strengths of two parents, so it speeds evolution up. (No result of the ablation.)",
    },
    "6.6": {
        3: "50 genomes, W and b uniform on [-1, 1], top 20 % as parents, each gene from either, noise 0.1, best "
        "kept, 30 generations; success: within 0.05 of both. All 1,000 runs succeeded (99.6 to 100 %). (Can be "
        "rebuilt; there is no baseline, and what the paper states isn't told from what was chosen.)",
        1: "A random population of lines is scored; the top individuals are combined and perturbed until they fit. "
        "(The paper's steps, without a number.)",
        0: "Our method reliably finds the line. (Nothing to rebuild.)",
    },
    "7.4": {
        2: "Without crossover the unread genes ride along with the founder whose other genes were good; crossover "
        "parts them. I would compare many seeds with runs without selection. (Riding along, with a test; "
        "nothing on colours that vanish without selection.)",
        0: "Red has won everywhere in the end, so red's genes were the best. (A colour taken for worth.)",
    },
    "8.5": {
        2: "The bill is 2 (n + d + 1): about 20,000 with one pair, and backpropagation pays 3. So never on one "
        "machine; with 20,000 machines it could pay. Against: a differentiable loss. For: a simulator. (A right "
        "bill; the cases have no number, and nothing is assumed aloud.)",
        0: "Evolution needs far more evaluations, so backpropagation is better in general. (No bill.)",
    },
    "9.4": {
        3: "55 of 60.6 ms are copies to the CPU and mutation there, so breed on the card first, then replace the "
        "200 .item() calls. The first generation of 4 s is warm-up. (Share and warm-up are right; no floor for "
        "the forward pass, no predicted times.)",
        1: "The first generation takes 4 s because the card warms up. Leave it out. (One cause with a number.)",
        0: "The GPU is too slow for such small networks; use more genomes. (No number of the log carries it.)",
    },
    "10.5": {
        2: "The table averages to 81.196 %, which can't be rounded to 81.47 %: it belongs to generation 600, the "
        "headline to 500. Please check the README. I recommend a correction. (The mixed checkpoints; no "
        "replication, no interval, and hardly a request.)",
        0: "An impressive result for a method without gradients, though 81.47 % is below what networks reach. (The "
        "README again.)",
    },
    "11.5": {
        2: "1: partly, -3.8 points [-9.7, 2.0]. 2: refuted, -0.7 [-2.2, 0.9]. 3: refuted, 44.4 points. 4: refuted, "
        "the probe differs by -0.2 [-1.4, 1.0]. (Verdicts with numbers; no budgets, one interval missing, "
        "nothing that would turn them.)",
        0: "1 is true: the curve with more images is higher. 2 to 4 are false, as the pictures show. (From pictures.)",
    },
    "12.5": {
        3: "Split by writer: 12 to train, 4 to choose, 4 to test, ten random deals, mean with its interval; beside "
        "it the nearest training image. (As for 4; no result is named that would refute the claim.)",
        2: "Test on 4 writers whom training hasn't seen, and report the best of the 30 networks on them. (Unseen "
        "writers; the choice is made on the test.)",
        1: "The test is too small. Collect 100,000 images and put 20 % aside at random. (More images; the writers "
        "still leak.)",
        0: "100 % on all images shows that it can read. (The training images are the test.)",
    },
    "13.1": {
        2: "Mutants: 16 are worse than 4 at equal evaluations; control n_pairs=2, six seeds. Curriculum: easy "
        "first is better than all at once, same budget and seeds. (Directions and controls; no size, nothing "
        "that would refute.)",
        1: "Does the number of mutants matter? I expect that it does. (A question and an expectation.)",
        0: "16 mutants may be better or worse than 4, depending on the seed. (True whatever comes out.)",
    },
    "13.6": {
        2: "Mutants: about -2 points, interval -6 to +1. I had predicted -2 or worse, so this is more or less "
        "confirmed. Curriculum: the interval holds 0, as predicted. (Intervals; the first prediction is bent, "
        "and the price is missing.)",
        1: "16 mutants had a mean 2 points lower, so fewer are better. (Means alone.)",
        0: "More mutants never help evolution. (No such run was made.)",
    },
    "14.5": {
        2: "56.56 and 56.03 % differ by less than one standard error. Of the factor of nine, 5.7 comes from "
        "training 117 designs in place of 672. (Two of the parts, with numbers; no replay of random search, no "
        "roles of the test set, no limits.)",
        0: "The genetic algorithm found the same accuracy in a ninth of the time, and may help even more with more "
        "parameters. (The old conclusion.)",
    },
    "15.4": {
        3: "A pays 4,200 worker-hours and uses 9 %, limited by the longest evaluation; B pays 2,060 and uses 19 %, "
        "limited by 20 longest ones. A steady-state algorithm on 100 workers: 4.9 hours, 495 worker-hours. At "
        "one death in 500 hours about one dies and half an evaluation is lost, 11 minutes. (As for 4; no small "
        "run that could refute it.)",
        2: "A: 2.1 hours for 4,200 worker-hours. B: 20.6 hours for 2,060. So A if it is urgent, else B. (Two "
        "plans, no third.)",
        1: "The longest evaluation takes 2.1 hours, so it can't be faster than that. (One number.)",
        0: "With 2,000 workers it is done at once; rent more. (No number.)",
    },
    "16.5": {
        3: "Paid for: a low mean of a + b(1 - p) + c(1 - p)²; meant: good networks. The loss fell from about -1 to "
        "about -10, the honest score from some 52 % to some 11 %. Each mutation of a pays at once, and nothing "
        "stops it. A guard: score on fresh points, which costs labels. (As for 4; nothing that would still come "
        "through.)",
        2: "The loss fell to about -10 while the score fell to some 11 %: the rule made its own loss small. Bound "
        "the coefficients. (A number; neither why selection finds it nor what the guard leaves open.)",
        1: "The rule cheats: it makes the loss small without learning. (The hack, without a number.)",
        0: "There is a bug in the fitness, and evolution was clever. (Nothing selected for is named.)",
    },
    "17.4": {
        4: "Gradient descent manages a natural selection? Variants that leave more offspring, against one vector "
        "that moves downhill. Selection predicts a covariance term above zero; in figure L17.2 it is 0 in all "
        "40 steps. Nothing varies or competes. Verdict: breaks. (As for 6; no result that would turn it.)",
        2: "Gradient descent isn't selection, since there is only one network: nothing competes. It breaks. (Where "
        "it breaks and a verdict; no prediction, no number, no result that would turn it.)",
        1: "Both improve step by step, but descent is faster. (A likeness and a difference; nothing follows.)",
        0: "The weights that fit survive, and those that don't fit die out. (The analogy again.)",
    },
}
"""Exercise -> points -> an answer; in brackets, why it earns these."""


def samples_of(lab: Lab, solution: Path) -> dict[str, dict[int, str]]:
    """Exercise -> points -> an answer that earns them, for each free text; the full one if the solution is at hand."""
    texts = [exercise for exercise in lab.exercises.values() if not exercise.automatic]
    found = {exercise.number: dict(SAMPLES[exercise.number]) for exercise in texts}
    if solution.is_file():
        cells = json.loads(solution.read_text("utf-8"))["cells"]
        models = ["".join(cell["source"]) for cell in cells if "solution" in cell["metadata"].get("tags", [])]
        for exercise, model in zip(texts, models, strict=True):
            found[exercise.number][exercise.points] = model
    return found
