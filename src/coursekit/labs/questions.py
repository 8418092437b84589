"""What to ask a class about an exercise that many got wrong: one question each, for whom its hints don't ask one.

A question can be answered without a computer, and its answer tells the usual mistakes apart.
"""

__all__ = ["QUESTIONS"]

QUESTIONS = {
    "1.1": "The line lies below all points. Which sign has db, and in which direction does a step move the line?",
    "1.2": "A step lands exactly as far from the bottom as it started, on the other side. What is the learning "
    "rate times the curvature, and does the run settle?",
    "1.3": "The gradient is zero from now on, and the velocity isn't. Where does momentum go, and does plain descent?",
    "1.4": "Add 2,000 to every x. What happens to the two curvatures of the loss, and what to those for (x - "
    "mean) / std?",
    "2.1": "A curve passes through all its training points. What is its training error, and what do you know of "
    "its error on new points?",
    "2.2": "After scaling, which of the three parts has a mean of exactly zero, and what would it tell you if "
    "the test part had one, too?",
    "2.3": "Two students chose the degree by the same validation points; one of them had looked at the test "
    "points before. Which number may each of them report?",
    "2.4": "As the price goes to infinity, where does the curve go if the constant is charged for, and where if "
    "it isn't?",
    "3.1": "A row is answered rightly. Which of the two rules changes the weights, and by how much if the neuron "
    "is sure?",
    "3.2": "Draw the four rows of two inputs as points. Which gates can't be cut by one line, and why doesn't a "
    "longer training help?",
    "3.3": "You double all the weights of a direction that gets every row right. Does the bound on the mistakes "
    "change?",
    "4.1": "The hidden layer has three units and the batch five rows. Which shapes have z1, h and p, and which "
    "of them are used again on the way back?",
    "4.2": "A hidden unit says nearly 1 for every row. How large is the slope of its weights, and which factor "
    "makes it so?",
    "4.3": "A claimed slope is twice the nudged one. What is the relative error, and does it depend on how large "
    "they are?",
    "4.4": "You ask PyTorch for the same slopes twice and the second ones are twice the first. What was "
    "forgotten, and where would you look if they agree with yours to four digits only?",
    "5.1": "Two runs begin with the same population. Whose fault is it, and why can't selection mend it?",
    "5.2": "A network gives the right class a chance of nearly 1 for every row. What is its fitness, and what is "
    "that of one that always says one half?",
    "5.3": "Five genomes, tournaments of five different entrants: who wins, how often? And with tournaments of one?",
    "5.4": "Two genes share a block. How often does a child get one of them from its mother and the other from "
    "its father?",
    "5.5": "A function says children = children + noise and returns nothing. What does its caller see?",
    "5.6": "A test lets a breed pass. Name a fault that it could still have. What would your test have to measure?",
    "5.7": "Mutation and crossover are both off. What can the best fitness still do from one generation to the next?",
    "6.1": "Two lines miss every point by 1, one above and one below. Which of them is fitter?",
    "6.2": "With one elite, can the best fitness fall? And where do children come from if fraction keeps a "
    "single parent?",
    "6.3": "W of the champion jumps while the fitness hardly moves. Has one genome changed, or has another taken "
    "the lead?",
    "6.4": "With crossover switched off the jumps stay. What have you learned about the sentence in the paper?",
    "6.5": "One method takes 30 steps of 50 scorings, another 500 steps of 3. Which row of the table compares "
    "them fairly?",
    "7.1": "Which noise moves the weights, that of the parent's sigma or that of the child's? What would happen "
    "to sigma the other way round?",
    "7.2": "Learning helps a genome and isn't inherited. What does selection see, and what do the children start with?",
    "7.3": "Each policy plays its own five seeds. What can make the worse one win, and what changes if all play "
    "the same?",
    "8.1": "Both scores of a pair are the same. What does the pair say about the slope along its noise, and what "
    "did the minus sign between them save?",
    "8.2": "One loss in a run goes from 10 to a million and stays the largest. What changes in the centred ranks?",
    "8.3": "An estimate is twice as long as the gradient and points the same way. What is its cosine?",
    "8.4": "All winners lie east of the old mean. Which way does the mean move, and does C grow if you measure "
    "the steps from the new mean?",
    "9.1": "Ten genomes, ten images. You mix up the two axes and nothing is reported. How would you notice?",
    "9.2": "Of 100,000 weights each is hit with a chance of 1 in 100. Is the number of hits always 1,000, and "
    "can a weight be drawn twice?",
    "9.3": "Twice as many genomes, the same images. Which of the three numbers doubles, and which halves?",
    "10.1": "Ten classes have equally many images. Is the mean of their accuracies the overall accuracy? And if "
    "they haven't equally many?",
    "10.2": "Nothing is inherited. To which value does trust go that earns 1 in every generation and loses a "
    "tenth of itself?",
    "10.3": "All trust is zero, or some is negative. What does choosing in proportion to trust mean then?",
    "10.4": "Trust is updated, then sorted, then inherited. What changes if a child inherits before the rewards "
    "are added?",
    "11.1": "A budget pays for ten and a half steps. How many are played, and what has been spent?",
    "11.2": "Two settings differ by 1 in each of ten seeds, and the seeds differ by 20 among themselves. How wide "
    "is the paired interval, how wide the other one?",
    "11.3": "The best cell of the grid lies at its edge. What do you know about the best rate?",
    "11.4": "A probe reads 60 % from a layer. What must you measure before that is a sentence about the layer?",
    "12.1": "A W is wider than the box. Do you cut it off, or draw it smaller, and what would a network learn "
    "from each?",
    "12.2": "Sans Bold is in the training and Sans in the test. What does the test ask then?",
    "12.3": "The letters are moved three pixels to the right. What does the nearest template say, and why?",
    "12.4": "At each point of the curve other test fonts are used. The curve rises by 5 points. What may have risen?",
    "13.2": "Ten parents are kept and ninety children are born. For how many of them does a generation pay on "
    "fresh images?",
    "13.3": "A run stops in the middle of writing a line. How many units are done when it starts again?",
    "13.4": "A network never learns anything. How much does it forget, and which number must stand beside that one?",
    "13.5": "You compare eight settings with a control, and the best is ahead at the 5 % level. What would eight "
    "settings that do nothing show?",
    "14.1": "You draw all designs but one. What is the chance that the best is among them?",
    "14.2": "A design that lives on is mutated and keeps its score. What does that score say now, and would a log "
    "of the best scores show it?",
    "14.3": "A search asks for a design again that it has already trained. Does that cost budget, and may the "
    "champion be chosen by its test score?",
    "14.4": "Of a hundred equally good designs the luckiest on validation wins. Where will its next score lie?",
    "15.1": "The second task is done before the first. In which order do the results stand, and whose random "
    "numbers did each task use?",
    "15.2": "One task takes ten times as long as the others. What do the other workers do meanwhile, here and "
    "with a generation?",
    "15.3": "The scheduler needs 0.1 seconds a task, and a task takes one second. From how many workers on is "
    "another one of no use?",
    "16.1": "Read ('sub', 1.0, 'x') aloud. Which child is which argument, and what is it worth at x = 3?",
    "16.2": "A child would be too large. May you return the mother, and what happens to the sizes of the "
    "population if you often do?",
    "16.3": "A rule is chosen by its score on tasks A and B. What is that score called, and which one may you report?",
    "16.4": "A network says the same class to everything. What should its score be, and can selection find a way "
    "to a better one that is no better network?",
    "17.1": "Every parent has one child, and each child is one larger than its parent. Which of the two terms is zero?",
    "17.2": "Two groups are damaged by a few draws each, and not by the same ones. What can make the frailer one "
    "look sturdier, and what must the control lose?",
    "17.3": "A title page names editors and no author. In which field do they stand, and who is named in the key?",
    "21.1": "A loss can climb because of a wrong sign or of a long step. What does a parameter do in each of the two?",
    "21.2": "Somebody measures x in decimetres and not in metres. By which factor does the largest good rate change?",
    "22.1": "A training loss rises from step to step. Can that be fitting too well?",
    "22.2": "One width blows up at half of the rates. What should that say about the width?",
    "23.1": "All genomes are alike after one generation. What was the only thing that could have made them so?",
    "23.2": "In tournaments of two, how often does the worst genome have a child, and when is that worth something?",
    "24.1": "A population stands still. What do you draw to tell copies from steps that have become too small?",
    "24.2": "One child in five is better. Why is that the mark, and not one in two?",
    "25.1": "Ten runs agree to the last digit. Is that a strong result?",
    "25.2": "Which runs of the seeds 0 and 1 are the same if run i begins with seed + i?",
    "26.1": "Can the best of more and more numbers ever fall? What does its rise tell?",
    "26.2": "The winner's validation score was 0.60. What do you expect of its test score, and why less?",
}
"""Exercise -> question."""
