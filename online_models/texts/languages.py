"""In which language a few words are, by the small words that every sentence has.

They say nothing of what a text is about, and much of what language it is in: so they are taken out, and one token `=es` stands for them.
On 28,356 titles and albums (20 clusters, two orders) agreement with sub-genres is .0825 with all words, .0810 without the small ones and
.0865 with a language in their place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

SMALL_WORDS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "cs": "jsem jsi jste není když tak jen pro jak ještě mně než ani bez její jako kde",
        "de": "der die das und ich nicht ein eine mit ist auf für von dem den wir dich mich wenn auch aus bei sind wie nur noch mein dein",
        "en": "the and you for that with your from this all what are not but they was have will her his she him its our their when who "
        "been can just don how where them were",
        "es": "los las una que del con por para sin como más muy esta este eres pero cuando todo tus mis soy donde nos les ella quien",
        "fr": "les des une est pas que dans pour qui sur avec mon nous vous tout mais sans elle comme ton aux suis cette",
        "it": "che non per una sono con del della più nel come gli mia tuo senza alla questo anche sei",
        "nl": "het een van niet met voor als maar mijn jij jou zijn naar ook geen door wat bij",
        "pl": "nie się jest jak tak dla ale tylko już moja twój gdy przez jestem",
        "pt": "não uma com você por para mais meu minha sem dos das como vai ela quando tem sou seu sua",
        "ru": "не на что как это мне меня всё так она ты мы для тебя моя мой где нет если",
        "sv": "och det att inte jag som för med den på har när din min utan",
        "tr": "bir için ben sen gibi çok ama bana sana daha değil her",
    }.items()
}
"""Of three letters and more, as words are (`clusters/track.py`); some belong to several languages. Others have none here: their small words
are words like others, and being in nearly every text of theirs they weigh little."""
SMALL: Final = frozenset[str]().union(*SMALL_WORDS.values())
SCRIPTS: Final = (("ja", "\u3040", "\u30ff"), ("ko", "\uac00", "\ud7af"), ("th", "\u0e00", "\u0e7f"), ("zh", "\u4e00", "\u9fff"))
"""Signs, first to last, that name a language; kana before the signs that Japanese shares with Chinese."""


def language_of(words: Sequence[str]) -> str:
    """The language whose small words are most frequent, one that a word shares with others counting its part; "" = no word tells.

    >>> language_of(["por", "que", "los", "muchachos"]), language_of(["東京"]), language_of(["despacito"])
    ('es', 'zh', '')
    """
    for language, low, high in SCRIPTS:
        if any(low <= sign <= high for word in words for sign in word):
            return language
    found: dict[str, float] = {}
    for word in words:
        shared = [language for language, small in SMALL_WORDS.items() if word in small] if word in SMALL else ()
        for language in shared:
            found[language] = found.get(language, 0.0) + 1.0 / len(shared)
    return min(found, key=lambda language: (-found[language], language)) if found else ""
