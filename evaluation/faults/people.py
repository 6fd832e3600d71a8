"""A table of users that nobody has: clean attributes, and what forms, phones and other services make of them."""

from __future__ import annotations

from random import Random
from typing import Final

from evaluation.faults.fault import Clean, Damage, Kind, number
from evaluation.faults.in_names import typo
from online_models.cleaning.verdicts import Value

COUNTRIES: Final[dict[str, tuple[str, ...]]] = {
    "US": ("USA", "United States", "U.S.", "u.s.a.", "United States of America", "us", "America"),
    "GB": ("UK", "United Kingdom", "GBR", "Great Britain", "U.K.", "gb", "Great Britain and Northern Ireland"),
    "DE": ("Germany", "DEU", "Deutschland", "germany", "de", "GERMANY", "Federal Republic of Germany"),
    "FR": ("France", "FRA", "france", "fr", "FRANCE"),
    "NL": ("Netherlands", "The Netherlands", "NLD", "Holland", "nl", "Nederland"),
    "BR": ("Brazil", "BRA", "Brasil", "brazil", "br"),
    "JP": ("Japan", "JPN", "japan", "日本"),
    "KR": ("South Korea", "Korea, Republic of", "KOR", "Republic of Korea", "Korea (South)"),
    "RU": ("Russia", "Russian Federation", "RUS", "russia", "Россия"),
    "CZ": ("Czech Republic", "Czechia", "CZE", "Česko"),
    "TR": ("Turkey", "Türkiye", "TUR", "Turkiye"),
    "CI": ("Ivory Coast", "Côte d'Ivoire", "CIV", "Cote d’Ivoire"),
    "MX": ("Mexico", "México", "MEX", "mexico"),
    "ES": ("Spain", "España", "ESP", "spain"),
    "PL": ("Poland", "Polska", "POL"),
    "SE": ("Sweden", "Sverige", "SWE"),
    "CH": ("Switzerland", "Schweiz", "CHE", "Suisse"),
    "AE": ("United Arab Emirates", "UAE", "ARE", "U.A.E."),
    "VN": ("Vietnam", "Viet Nam", "VNM"),
    "BA": ("Bosnia and Herzegovina", "Bosnia & Herzegovina", "BIH", "Bosnia-Herzegovina"),
    "PH": ("Philippines", "The Philippines", "PHL"),
    "NZ": ("New Zealand", "NZL", "new zealand"),
    "ZA": ("South Africa", "ZAF", "SOUTH AFRICA"),
    "IN": ("India", "IND", "india"),
    "AU": ("Australia", "AUS", "australia"),
    "AT": ("Austria", "AUT", "Österreich"),
}
LANGUAGES: Final[dict[str, tuple[str, ...]]] = {
    "en": ("English", "eng", "EN", "en-US", "en_GB", "english", "en_US.UTF-8"),
    "de": ("German", "deu", "ger", "Deutsch", "de-AT", "DE"),
    "fr": ("French", "fra", "fre", "Français", "fr-CA", "francais"),
    "es": ("Spanish", "spa", "Español", "es-419", "ES", "Castilian"),
    "pt": ("Portuguese", "por", "pt-BR", "pt_PT", "Português"),
    "zh": ("Chinese", "zho", "chi", "zh-Hans", "zh_TW", "中文", "zh-CN"),
    "ja": ("Japanese", "jpn", "日本語", "ja-JP"),
    "ru": ("Russian", "rus", "Русский", "ru_RU"),
    "nl": ("Dutch", "nld", "dut", "Nederlands"),
    "tr": ("Turkish", "tur", "Türkçe"),
    "sv": ("Swedish", "swe", "sv-SE"),
    "ko": ("Korean", "kor", "한국어"),
    "he": ("Hebrew", "heb", "iw"),
    "pl": ("Polish", "pol", "Polski"),
}
GENDERS: Final[dict[str, tuple[str, ...]]] = {
    "female": ("F", "f", "Female", "FEMALE", "woman", "female ", "w"),
    "male": ("M", "m", "Male", "MALE", "man", " male"),
    "non-binary": ("nonbinary", "Non-Binary", "non binary", "NB", "enby"),
}
WORDS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty")
ONES: Final = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NOW_YEAR: Final = 2020
"""Of the table: an age and a year of birth go together."""


def users(n: int, chance: Random) -> list[Clean]:
    """`n` users, clean."""
    found: list[Clean] = []
    for k in range(n):
        age = min(max(round(chance.gauss(31, 11)), 13), 89)
        found.append(
            {
                "user_id": f"u{k}",
                "country": chance.choice(tuple(COUNTRIES)),
                "language": chance.choice(tuple(LANGUAGES)),
                "age": age,
                "birth_year": NOW_YEAR - age,
                "gender": chance.choice(("female", "female", "male", "male", "non-binary")),
            }
        )
    return found


def country(value: Value, field: str, chance: Random) -> Damage | None:
    return Damage(chance.choice(COUNTRIES[str(value)]))


def country_typo(value: Value, field: str, chance: Random) -> Damage | None:
    """A slip in a name of seven letters or more: shorter ones (`Niger`, `Iran`) may be another country."""
    name = chance.choice(COUNTRIES[str(value)])
    if len(name) < 8 or not name.isascii() or "." in name:
        return None
    damage = typo(name, field, chance)
    return damage if damage and sum(char.isalpha() for char in str(damage.value)) > 6 else None


def language(value: Value, field: str, chance: Random) -> Damage | None:
    return Damage(chance.choice(LANGUAGES[str(value)]))


def gender(value: Value, field: str, chance: Random) -> Damage | None:
    return Damage(chance.choice(GENDERS[str(value)]))


def age_in_words(value: Value, field: str, chance: Random) -> Damage | None:
    age = int(number(value))
    if not 20 <= age < 90:
        return None
    word, one = WORDS[age // 10 - 2], ONES[age % 10]
    text = chance.choice((f"{word}-{one}", f"{word} {one}")) if one else word
    return Damage(chance.choice((text, text.title(), f"{text} years old", f"{text} years")))


def age_with_unit(value: Value, field: str, chance: Random) -> Damage | None:
    return Damage(
        chance.choice(("{} years", "{} y/o", "{}yo", "age {}", "{} yrs old", "{}.0", "{} ", "{} anni", "{} Jahre", "{} ans")).format(value)
    )


def impossible(value: Value, field: str, chance: Random) -> Damage | None:
    return Damage(
        chance.choice((0, -7, 255, "7.3", 31.5, "old", "", "prefer not to say", None, float("nan"), float("inf"), [31, 32], True, 1 << 70))
    )


def nowhere(value: Value, field: str, chance: Random) -> Damage | None:
    return Damage(chance.choice(("Atlantis", "", "XX", "n/a", None, "Earth", "??", "somewhere", 49)))


KINDS: Final = (
    Kind("country in another form", ("country",), country),
    Kind("typo in a country", ("country",), country_typo),
    Kind("no country", ("country",), nowhere, "row", "merged"),
    Kind("language in another form", ("language",), language),
    Kind("no language", ("language",), nowhere, "row", "merged"),
    Kind("gender in another form", ("gender",), gender),
    Kind("age in words", ("age",), age_in_words),
    Kind("age with a unit", ("age",), age_with_unit),
    Kind("impossible age", ("age", "birth_year"), impossible, "row", "merged"),
)
