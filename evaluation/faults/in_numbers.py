"""What goes wrong with numbers: units, separators, spreadsheets, words, and values that cannot be."""

from __future__ import annotations

from random import Random
from typing import Final

from evaluation.faults.fault import Damage, Kind, number
from online_models.cleaning.verdicts import Value

SHARES: Final = ("danceability", "energy", "speechiness", "acousticness", "instrumentalness", "liveness", "valence")
DECIMALS: Final = (*SHARES, "loudness", "tempo")
NUMBERS: Final = (*DECIMALS, "duration_ms", "popularity", "key", "mode")
WHOLE: Final = ("duration_ms", "popularity", "key", "mode")
NOTES: Final = (
    ("C", "C major"), ("C#", "D♭", "Db", "C♯ minor"), ("D", "D minor"), ("D#", "Eb", "E♭ major"), ("E", "E maj"), ("F", "F minor"),
    ("F#", "G♭", "F# min", "Gb major"), ("G", "G major"), ("G#", "Ab", "A♭ minor"), ("A", "A minor"), ("A#", "Bb", "B♭"), ("B", "B minor"),
)  # fmt: skip
FULL_WIDTH: Final = {ord(char): chr(ord(char) + 0xFEE0) for char in "0123456789.-"}


def unit(value: Value, field: str, chance: Random) -> Damage | None:
    """The unit stands beside the number, or the number is in another unit."""
    amount = number(value)
    if field in SHARES:
        sign = chance.choice(("%", " %", " percent", " pct"))
        return Damage(f"{amount * 100:.6g}{sign}", within=1e-5 * amount)
    if field == "popularity":
        return Damage(f"{value}{chance.choice(('%', '/100', ' %'))}")
    if field == "loudness":
        return Damage(f"{value}{chance.choice((' dB', 'dB', ' db', ' dBFS', ' LUFS'))}")
    if field == "tempo":
        return Damage(f"{value}{chance.choice((' bpm', ' BPM', 'bpm', ' b.p.m.', ' beats per minute'))}")
    return chance.choice(
        (
            Damage(f"{value} ms"),
            Damage(f"{value}ms"),
            Damage(f"{value} milliseconds"),
            Damage(f"{amount / 1_000:.3f} s"),
            Damage(f"{amount / 1_000:.1f}s", within=51),
            Damage(f"{amount / 1_000:.0f} seconds", within=501),
            Damage(f"{amount / 60_000:.2f} min", within=301),
            Damage(f"{amount / 1_000:.0f} Sek.", within=501),
            Damage(f"{amount / 1_000:.0f} segundos", within=501),
        )
    )


def seconds(value: Value, field: str, chance: Random) -> Damage | None:
    """A length in seconds where milliseconds are due."""
    amount = number(value)
    if not 30_000 <= amount < 3_000_000:
        return None
    return chance.choice((Damage(f"{amount / 1_000:.3f}"), Damage(round(amount / 1_000, 1), within=51), Damage(amount / 1_000)))


def clock(value: Value, field: str, chance: Random) -> Damage | None:
    """A length as a clock shows it."""
    whole, ms = divmod(int(number(value)), 1_000)
    minutes, second = divmod(whole, 60)
    if minutes > 59:
        return None
    exact, rounded = 1.0, float(ms + 1)
    return chance.choice(
        (
            Damage(f"{minutes}:{second:02}", within=rounded),
            Damage(f"{minutes:02}:{second:02}", within=rounded),
            Damage(f"00:{minutes:02}:{second:02}", within=rounded),
            Damage(f"{minutes}:{second:02}.{ms:03}", within=exact),
            Damage(f"{minutes}m{second:02}s", within=rounded),
            Damage(f"{minutes} min {second} sec", within=rounded),
            Damage(f"{minutes} minutes, {second} seconds", within=rounded),
            Damage(f"{minutes} Min. {second} Sek.", within=rounded),
            Damage(f"PT{minutes}M{second}S", within=rounded),
            Damage(f"PT{minutes}M{second}.{ms:03}S", within=exact),
            Damage(f"{minutes}'{second:02}\"", within=rounded),
        )
    )


def decimal_comma(value: Value, field: str, chance: Random) -> Damage | None:
    text = repr(value)
    return Damage(text.replace(".", ",")) if "." in text else None


def thousands(value: Value, field: str, chance: Random) -> Damage | None:
    """Groups of three, as locales write them."""
    text = f"{int(number(value)):,}"
    return Damage(text.replace(",", chance.choice((",", ".", " ", "'", "’", "\u00a0", "\u202f", "\u2009")))) if "," in text else None


def as_float(value: Value, field: str, chance: Random) -> Damage | None:
    """A column of whole numbers that had gaps comes back from a data frame as floats."""
    return Damage(chance.choice((float(number(value)), f"{value}.0", f"{value}.00")))


def exponent(value: Value, field: str, chance: Random) -> Damage | None:
    amount = number(value)
    return Damage(f"{amount:{chance.choice('eE')}}", within=abs(amount) * 1e-6)


def sign(value: Value, field: str, chance: Random) -> Damage | None:
    """A typographic minus, or a plus."""
    text = repr(value)
    return Damage(text.replace("-", chance.choice("−–﹣－"), 1) if text.startswith("-") else f"+{text}")


def full_width(value: Value, field: str, chance: Random) -> Damage | None:
    """Digits of an East Asian input method."""
    return Damage(repr(value).translate(FULL_WIDTH)) if "e" not in repr(value) else None


def quoted(value: Value, field: str, chance: Random) -> Damage | None:
    """Quotes that an export put around a number and an import left there."""
    return Damage(chance.choice(('"{}"', "'{}'", "'{}", '="{}"', "“{}”", "`{}`")).format(value))


def stray(value: Value, field: str, chance: Random) -> Damage | None:
    """Spaces and separators of a neighbouring column."""
    return Damage(chance.choice((" {}", "{} ", "{}\t", "\u00a0{}", "{}\r\n", "{};", "{},", "{}|", "\ufeff{}", "{}\u200b")).format(value))


def labelled(value: Value, field: str, chance: Random) -> Damage | None:
    """The name of the column stands before the number."""
    return Damage(chance.choice((f"{field}: {value}", f"{field}={value}", f"{field.title()} {value}")))


def listed(value: Value, field: str, chance: Random) -> Damage | None:
    """A list of one."""
    return Damage(chance.choice(([value], (value,), f"[{value}]", f"({value},)", f"{{{value}}}")))


def about(value: Value, field: str, chance: Random) -> Damage | None:
    amount = number(value)
    return Damage(chance.choice(("~{:.0f}", "ca. {:.0f}", "approx. {:.0f}", "c. {:.0f}", "≈ {:.0f}")).format(amount), within=0.5)


def note(value: Value, field: str, chance: Random) -> Damage | None:
    return Damage(chance.choice(NOTES[int(number(value))])) if value in range(12) else None


def mode(value: Value, field: str, chance: Random) -> Damage | None:
    return Damage(chance.choice(("major", "Major", "MAJ", "maj", "dur") if value == 1 else ("minor", "Minor", "min", "moll")))


def out_of_range(value: Value, field: str, chance: Random) -> Damage | None:
    """Numbers that this field cannot have."""
    impossible = {
        "loudness": (-400.0, 73.0, "-99.9"),
        "tempo": (0, "0", 0.0, 12_000, -122.0),
        "duration_ms": (0, -194_754, "-1", 10**10, "0"),
        "popularity": (-1, 173, "101"),
        "key": (-1, 12, "37"),
        "mode": (2, -1, "7"),
    }.get(field, (7.3, "7.3", -0.4, 1.73, 74.8, "-1", 255))
    return Damage(chance.choice(impossible))


def sentinel(value: Value, field: str, chance: Random) -> Damage | None:
    """A number that stands for none."""
    return Damage(chance.choice((-1_000_000, "-999", "999999999999", -9_999.0, "-99999")))


def not_finite(value: Value, field: str, chance: Random) -> Damage | None:
    return Damage(
        chance.choice((float("inf"), float("-inf"), float("nan"), "inf", "-Infinity", "NaN", "1.#INF", "-1.#IND", "1e999", 10**400, "∞"))
    )


def wrong_type(value: Value, field: str, chance: Random) -> Damage | None:
    return Damage(chance.choice(([], {}, {"value": None}, b"\x00\x01", "loud", "fast", "yes", "see notes", "x" * 5_000, object)))


def spreadsheet_error(value: Value, field: str, chance: Random) -> Damage | None:
    return Damage(chance.choice(("#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "########")))


def without_sign(value: Value, field: str, chance: Random) -> Damage | None:
    """A level in dB that lost its minus: a small one may be meant."""
    return Damage(abs(value)) if isinstance(value, float) and value < 0 else None


def octave(value: Value, field: str, chance: Random) -> Damage | None:
    """A beat tracker that took half or double the tempo: nothing shows it."""
    return Damage(number(value) * chance.choice((0.5, 2.0)))


KINDS: Final = (
    Kind("unit", (*DECIMALS, "duration_ms", "popularity"), unit),
    Kind("seconds", ("duration_ms",), seconds),
    Kind("clock", ("duration_ms",), clock),
    Kind("decimal comma", DECIMALS, decimal_comma),
    Kind("thousands", ("duration_ms",), thousands),
    Kind("float for a whole number", WHOLE, as_float),
    Kind("exponent", (*DECIMALS, "duration_ms"), exponent),
    Kind("sign", DECIMALS, sign),
    Kind("full-width digits", NUMBERS, full_width),
    Kind("number in quotes", NUMBERS, quoted),
    Kind("stray characters", NUMBERS, stray),
    Kind("label before a number", NUMBERS, labelled),
    Kind("list of one number", NUMBERS, listed),
    Kind("about", ("tempo",), about),
    Kind("name of a key", ("key",), note),
    Kind("name of a mode", ("mode",), mode),
    Kind("out of range", NUMBERS, out_of_range, "row", "merged"),
    Kind("sentinel", NUMBERS, sentinel, "row", "merged"),
    Kind("not finite", NUMBERS, not_finite, "row", "merged"),
    Kind("wrong type", NUMBERS, wrong_type, "row", "merged"),
    Kind("spreadsheet error", NUMBERS, spreadsheet_error, "row", "merged"),
    Kind("minus lost", ("loudness",), without_sign, "row"),
    Kind("half or double tempo", ("tempo",), octave, "row"),
)
