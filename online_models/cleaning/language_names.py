"""Languages as they are called: ISO 639-1, the ISO 639-2 codes, an English name, and its own name where it has many speakers."""

from __future__ import annotations

from typing import Final

LANGUAGES: Final = """
aa aar Afar|ab abk Abkhazian|ae ave Avestan|af afr Afrikaans|ak aka Akan/Twi|am amh Amharic/አማርኛ|an arg Aragonese|ar ara Arabic/العربية
as asm Assamese|av ava Avaric|ay aym Aymara|az aze Azerbaijani|ba bak Bashkir|be bel Belarusian|bg bul Bulgarian/Български|bi bis Bislama
bm bam Bambara|bn ben Bengali/Bangla/বাংলা|bo bod,tib Tibetan|br bre Breton|bs bos Bosnian/Bosanski|ca cat Catalan/Valencian/Català
ce che Chechen|ch cha Chamorro|co cos Corsican|cr cre Cree|cs ces,cze Czech/Čeština|cu chu Church Slavic|cv chv Chuvash
cy cym,wel Welsh/Cymraeg|da dan Danish/Dansk|de deu,ger German/Deutsch|dv div Divehi/Maldivian|dz dzo Dzongkha|ee ewe Ewe
el ell,gre Greek/Ελληνικά|en eng English|eo epo Esperanto|es spa Spanish/Castilian/Español|et est Estonian/Eesti|eu eus,baq Basque/Euskara
fa fas,per Persian/Farsi/فارسی|ff ful Fulah|fi fin Finnish/Suomi|fj fij Fijian|fo fao Faroese|fr fra,fre French/Français
fy fry Western Frisian/Frisian|ga gle Irish/Gaeilge|gd gla Scottish Gaelic/Gaelic|gl glg Galician/Galego|gn grn Guarani
gu guj Gujarati/ગુજરાતી|gv glv Manx|ha hau Hausa|he heb,iw Hebrew/עברית|hi hin Hindi/हिन्दी|ho hmo Hiri Motu|hr hrv Croatian/Hrvatski
ht hat Haitian/Haitian Creole|hu hun Hungarian/Magyar|hy hye,arm Armenian|hz her Herero|ia ina Interlingua
id ind,in Indonesian/Bahasa Indonesia|ie ile Interlingue|ig ibo Igbo|ii iii Sichuan Yi|ik ipk Inupiaq|io ido Ido
is isl,ice Icelandic/Íslenska|it ita Italian/Italiano|iu iku Inuktitut|ja jpn Japanese/日本語|jv jav Javanese|ka kat,geo Georgian
kg kon Kongo|ki kik Kikuyu|kj kua Kuanyama|kk kaz Kazakh|kl kal Greenlandic/Kalaallisut|km khm Khmer/Central Khmer|kn kan Kannada/ಕನ್ನಡ
ko kor Korean/한국어|kr kau Kanuri|ks kas Kashmiri|ku kur Kurdish/Kurdî|kv kom Komi|kw cor Cornish|ky kir Kyrgyz/Kirghiz|la lat Latin
lb ltz Luxembourgish|lg lug Ganda|li lim Limburgish|ln lin Lingala|lo lao Lao|lt lit Lithuanian/Lietuvių|lu lub Luba-Katanga
lv lav Latvian/Latviešu|mg mlg Malagasy|mh mah Marshallese|mi mri,mao Maori/Māori|mk mkd,mac Macedonian/Македонски|ml mal Malayalam/മലയാളം
mn mon Mongolian|mr mar Marathi/मराठी|ms msa,may Malay/Bahasa Melayu|mt mlt Maltese|my mya,bur Burmese|na nau Nauru
nb nob Norwegian Bokmål/Bokmål|nd nde North Ndebele|ne nep Nepali|ng ndo Ndonga|nl nld,dut Dutch/Flemish/Nederlands
nn nno Norwegian Nynorsk/Nynorsk|no nor Norwegian/Norsk|nr nbl South Ndebele|nv nav Navajo|ny nya Chichewa/Nyanja|oc oci Occitan
oj oji Ojibwa|om orm Oromo|or ori Oriya/Odia|os oss Ossetian|pa pan Punjabi/Panjabi/ਪੰਜਾਬੀ|pi pli Pali|pl pol Polish/Polski|ps pus Pashto
pt por Portuguese/Português|qu que Quechua|rm roh Romansh|rn run Rundi|ro ron,rum,mo Romanian/Moldavian/Română|ru rus Russian/Русский
rw kin Kinyarwanda|sa san Sanskrit|sc srd Sardinian|sd snd Sindhi|se sme Northern Sami|sg sag Sango|si sin Sinhala
sk slk,slo Slovak/Slovenčina|sl slv Slovenian/Slovene/Slovenščina|sm smo Samoan|sn sna Shona|so som Somali|sq sqi,alb Albanian/Shqip
sr srp Serbian/Srpski/Српски|ss ssw Swati|st sot Southern Sotho|su sun Sundanese|sv swe Swedish/Svenska|sw swa Swahili/Kiswahili
ta tam Tamil/தமிழ்|te tel Telugu/తెలుగు|tg tgk Tajik|th tha Thai/ไทย|ti tir Tigrinya|tk tuk Turkmen|tl tgl,fil Tagalog/Filipino
tn tsn Tswana|to ton Tonga|tr tur Turkish/Türkçe|ts tso Tsonga|tt tat Tatar|ty tah Tahitian|ug uig Uighur/Uyghur
uk ukr Ukrainian/Українська|ur urd Urdu/اردو|uz uzb Uzbek|ve ven Venda|vi vie Vietnamese/Tiếng Việt|vo vol Volapük|wa wln Walloon
wo wol Wolof|xh xho Xhosa|yi yid,ji Yiddish|yo yor Yoruba|za zha Zhuang|zh zho,chi,cmn Chinese/Mandarin/中文|zu zul Zulu
"""
"""`639-1 639-2,older codes name/other name/...`"""
