"""Words that say nothing of a question's subject, in the widget's languages. `words` leaves them out.

The lists are short on purpose: articles, pronouns, auxiliary verbs, prepositions and question words. They count for all
languages alike, so what is a subject in one of them is not here (`AI`, `EU`, `OS`, hat, bin). Apostrophes are cut
before, so `don't` is here as `don`.
"""

from __future__ import annotations

_ENGLISH = """
a about after all also am an and any are aren as at be because been before being but by can could couldn did didn do
does doesn doing don done each else for from get gets getting got had has hasn have haven having he hello her here hey
hi him his how i if in into is isn it its just let ll me more most my myself need no nor not of off on one only or other
our out over own please shall she should shouldn since so some such than thank thanks that the their them then there
these they this those to too under until up us ve very want wants was wasn we were weren what when where which while who
whom whose why will with won would wouldn you your yours
"""
_GERMAN = """
aber als am an auch auf aus bei beim bis bist bitte da damit danke dann das dass dein deine dem den denn der des
dich die dies diese diesem diesen dieser dir doch du durch ein eine einem einen einer eines er es euch euer eure fur
gibt habe haben hallo hatte ich ihm ihn ihnen ihr ihre im in ist ja kann kannst kein keine keinen konnen mein
meine meinem meinen meiner mich mir mit muss nach nicht noch nur ob oder sehr sein seine sich sie sind so uber um und
uns unser unsere vom von vor wann warum was wegen weil welche welcher welches wenn wer werden wie wieder wir wird wo
wurde zu zum zur
"""
_FRENCH = """
alors au aucun aussi aux avec avez avoir avons bonjour ce cela ces cet cette comment comme dans de des dois du elle
elles en est et etait etes etre fait faut il ils je la le les leur leurs lui ma mais me meme merci mes moi mon ne nos
notre nous on ou oui par pas peut peux pour pourquoi puis quand que quel quelle quelles quels qu qui quoi sa sans
se sera ses si son sont sous suis sur ta te tes toi ton tous tout toute tres tu un une vos votre vous
"""
_SPANISH = """
al algo ante antes como con cual cuando de del desde donde el ella ellas ellos en entre era es esa ese eso esta estan
estar este esto estoy fue gracias ha hace hacer han hasta hay hola la las le les lo los mas me mi mis mucho muy nada ni
no nos nosotros nuestra nuestro o otra otro para pero por porque puede puedo que quien quiero se sea ser si sin sobre
son soy su sus tambien te tengo ti tiene tu tus un una uno unos usted y ya yo
"""
_ARABIC = """
أن أنا أو أي إلى إن التي الذي الى ان انا او اين أين بعد بين ثم حتى على عن عند في فيه قبل قد كان كل كم كيف لا لكن لم لن
له لها لي ليس ما ماذا متى مع من منذ نحن هذا هذه هل هو هي و يا
"""

#: All of them, case-folded and without accents, as `words` compares them.
STOP_WORDS = frozenset(" ".join([_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ARABIC]).split())
