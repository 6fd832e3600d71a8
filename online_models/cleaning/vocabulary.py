"""Names of categories that are right as they are, however seldom they are seen, and other names of the same.

Genres are those that services and libraries use most, in the small letters of MusicBrainz and Spotify; a genre that is not among
them is none the worse for it: it is known by being seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_GENRES: Final = """
acid house, acid jazz, acoustic, afrobeat, afrobeats, album rock, alternative, alternative metal, alternative r&b, alternative rock,
ambient, americana, anime, art pop, art rock, avant-garde, bachata, ballad, baroque, bass music, bedroom pop, bhangra, big band, big
beat, big room, black metal, bluegrass, blues, blues rock, bollywood, boogie, boom bap, bossa nova, breakbeat, breakcore, britpop,
brostep, cantopop, celtic, chamber music, chamber pop, chanson, chill, chillhop, chillout, chillwave, chiptune, choral, christian,
classic rock, classical, cloud rap, club, conscious hip hop, contemporary classical, country, country rock, cumbia, dance, dance pop,
dancehall, dark ambient, dark wave, death metal, deep house, delta blues, disco, doo-wop, doom metal, downtempo, dream pop, drill,
drone, drum and bass, dub, dub techno, dubstep, east coast hip hop, edm, electro, electro house, electro hop, electro swing,
electroclash, electronic, electronica, electropop, emo, eurobeat, eurodance, experimental, fado, flamenco, folk, folk metal, folk pop,
folk rock, footwork, forro, freak folk, freestyle, funk, funk rock, fusion, future bass, future house, g-funk, gangsta rap, gangster
rap, garage, garage rock, glam metal, glam rock, glitch, glitch hop, gospel, goth, gothic metal, gothic rock, grime, grindcore, grunge,
hard bop, hard rock, hard techno, hardcore, hardcore punk, hardstyle, heavy metal, highlife, hip hop, hip house, hip pop, horrorcore,
house, hyperpop, idm, indie, indie folk, indie pop, indie poptimism, indie rock, indietronica, industrial, industrial metal,
instrumental, italo disco, j-pop, j-rock, jangle pop, jazz, jazz fusion, jazz rap, jungle, k-pop, klezmer, kizomba, krautrock, latin,
latin hip hop, latin jazz, latin pop, latin rock, latin trap, lo-fi, lo-fi hip hop, lounge, lovers rock, mambo, mandopop, mariachi, math
rock, mathcore, melodic death metal, melodic techno, merengue, metal, metalcore, miami bass, minimal, minimal techno, moombahton,
motown, mpb, neo soul, neoclassical, new age, new jack swing, new wave, no wave, noise, noise rock, norteño, nu disco, nu metal, old
school hip hop, opera, orchestral, outlaw country, outsider house, permanent wave, phonk, polka, pop, pop edm, pop punk, pop rap, pop
rock, post-grunge, post-hardcore, post-metal, post-punk, post-rock, post-teen pop, power metal, power pop, progressive house,
progressive electro house, progressive metal, progressive rock, progressive trance, psychedelic, psychedelic rock, psytrance, punk, punk
rock, quiet storm, r&b, ragga, ragtime, raï, rap, rap metal, rap rock, reggae, reggaeton, rock, rock and roll, rockabilly, rocksteady,
roots reggae, salsa, samba, schlager, screamo, sertanejo, shoegaze, singer-songwriter, ska, ska punk, slowcore, sludge metal, smooth
jazz, soft rock, soul, soundtrack, southern hip hop, southern rock, space rock, speed metal, spoken word, stoner rock, surf rock, swing,
symphonic metal, synth-pop, synthwave, tango, tech house, techno, teen pop, thrash metal, timba, trance, trap, trip hop, tropical,
tropical house, turntablism, uk garage, underground hip hop, urban contemporary, vallenato, vaporwave, vocal jazz, west coast hip hop,
witch house, world music, worship, yacht rock, zouk
"""
GENRES: Final = tuple(" ".join(name.split()) for name in _GENRES.split(","))

GENDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "female": ("f", "fem", "woman", "girl", "w", "weiblich", "femme", "femenino", "mujer"),
    "male": ("m", "man", "boy", "männlich", "homme", "masculino", "hombre"),
    "non-binary": ("nb", "enby", "nonbinary", "genderqueer", "divers"),
}

DECLARED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "genre": dict.fromkeys(GENRES, ()),
    "subgenre": dict.fromkeys(GENRES, ()),
    "gender": GENDERS,
}
"""Field -> its right names, and what else each is called."""
