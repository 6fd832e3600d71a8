"""Countries as they are called: ISO 3166-1 alpha-2 and alpha-3, a short English name, and other names in use.

Of other languages the name in the country's own, where it differs; a name of two countries (Congo, Korea, Guinea's neighbours) stands
for neither, unless usage has settled it.
"""

from __future__ import annotations

from typing import Final

COUNTRIES: Final = """
AD AND Andorra|AE ARE United Arab Emirates/UAE/Emirates|AF AFG Afghanistan|AG ATG Antigua and Barbuda|AI AIA Anguilla
AL ALB Albania/Shqipëria|AM ARM Armenia/Հայաստան|AO AGO Angola|AQ ATA Antarctica|AR ARG Argentina|AS ASM American Samoa
AT AUT Austria/Österreich|AU AUS Australia|AW ABW Aruba|AX ALA Åland/Åland Islands|AZ AZE Azerbaijan/Azərbaycan
BA BIH Bosnia and Herzegovina/Bosnia-Herzegovina/Bosnia/Bosna i Hercegovina|BB BRB Barbados|BD BGD Bangladesh/বাংলাদেশ
BE BEL Belgium/België/Belgique|BF BFA Burkina Faso|BG BGR Bulgaria/България|BH BHR Bahrain|BI BDI Burundi|BJ BEN Benin
BL BLM Saint Barthélemy|BM BMU Bermuda|BN BRN Brunei/Brunei Darussalam|BO BOL Bolivia/Plurinational State of Bolivia
BQ BES Caribbean Netherlands/Bonaire|BR BRA Brazil/Brasil|BS BHS Bahamas/The Bahamas|BT BTN Bhutan|BV BVT Bouvet Island|BW BWA Botswana
BY BLR Belarus/Беларусь|BZ BLZ Belize|CA CAN Canada|CC CCK Cocos Islands/Cocos (Keeling) Islands
CD COD Democratic Republic of the Congo/DR Congo/Congo-Kinshasa|CF CAF Central African Republic
CG COG Republic of the Congo/Congo-Brazzaville|CH CHE Switzerland/Schweiz/Suisse/Svizzera|CI CIV Côte d'Ivoire/Ivory Coast
CK COK Cook Islands|CL CHL Chile|CM CMR Cameroon/Cameroun|CN CHN China/People's Republic of China/中国|CO COL Colombia|CR CRI Costa Rica
CU CUB Cuba|CV CPV Cape Verde/Cabo Verde|CW CUW Curaçao|CX CXR Christmas Island|CY CYP Cyprus/Κύπρος
CZ CZE Czechia/Czech Republic/Česko/Česká republika|DE DEU Germany/Deutschland/Federal Republic of Germany|DJ DJI Djibouti
DK DNK Denmark/Danmark|DM DMA Dominica|DO DOM Dominican Republic/República Dominicana|DZ DZA Algeria/Algérie/الجزائر|EC ECU Ecuador
EE EST Estonia/Eesti|EG EGY Egypt/مصر|EH ESH Western Sahara|ER ERI Eritrea|ES ESP Spain/España|ET ETH Ethiopia|FI FIN Finland/Suomi
FJ FJI Fiji|FK FLK Falkland Islands/Malvinas|FM FSM Micronesia/Federated States of Micronesia|FO FRO Faroe Islands/Føroyar|FR FRA France
GA GAB Gabon|GB GBR United Kingdom/Great Britain/Britain/UK/England/Scotland/Wales/Northern Ireland/Great Britain and Northern Ireland
GB GBR United Kingdom of Great Britain and Northern Ireland|GD GRD Grenada|GE GEO Georgia/საქართველო|GF GUF French Guiana|GG GGY Guernsey
GH GHA Ghana|GI GIB Gibraltar|GL GRL Greenland|GM GMB Gambia/The Gambia|GN GIN Guinea|GP GLP Guadeloupe|GQ GNQ Equatorial Guinea
GR GRC Greece/Ελλάδα/Hellas|GS SGS South Georgia|GT GTM Guatemala|GU GUM Guam|GW GNB Guinea-Bissau|GY GUY Guyana|HK HKG Hong Kong/香港
HM HMD Heard and McDonald Islands|HN HND Honduras|HR HRV Croatia/Hrvatska|HT HTI Haiti|HU HUN Hungary/Magyarország|ID IDN Indonesia
IE IRL Ireland/Éire/Republic of Ireland|IL ISR Israel/ישראל|IM IMN Isle of Man|IN IND India/भारत|IO IOT British Indian Ocean Territory
IQ IRQ Iraq/العراق|IR IRN Iran/Islamic Republic of Iran/ایران|IS ISL Iceland/Ísland|IT ITA Italy/Italia|JE JEY Jersey|JM JAM Jamaica
JO JOR Jordan/الأردن|JP JPN Japan/日本/Nippon|KE KEN Kenya|KG KGZ Kyrgyzstan|KH KHM Cambodia|KI KIR Kiribati|KM COM Comoros
KN KNA Saint Kitts and Nevis|KP PRK North Korea/Democratic People's Republic of Korea/DPRK/Korea (North)
KR KOR South Korea/Republic of Korea/Korea (South)/대한민국/한국|KW KWT Kuwait/الكويت|KY CYM Cayman Islands
KZ KAZ Kazakhstan/Қазақстан/Казахстан|LA LAO Laos/Lao People's Democratic Republic|LB LBN Lebanon/لبنان|LC LCA Saint Lucia
LI LIE Liechtenstein|LK LKA Sri Lanka|LR LBR Liberia|LS LSO Lesotho|LT LTU Lithuania/Lietuva|LU LUX Luxembourg/Luxemburg
LV LVA Latvia/Latvija|LY LBY Libya|MA MAR Morocco/Maroc/المغرب|MC MCO Monaco|MD MDA Moldova/Republic of Moldova
ME MNE Montenegro/Crna Gora|MF MAF Saint Martin|MG MDG Madagascar|MH MHL Marshall Islands
MK MKD North Macedonia/Macedonia/Северна Македонија|ML MLI Mali|MM MMR Myanmar/Burma|MN MNG Mongolia/Монгол|MO MAC Macao/Macau/澳門
MP MNP Northern Mariana Islands|MQ MTQ Martinique|MR MRT Mauritania|MS MSR Montserrat|MT MLT Malta|MU MUS Mauritius|MV MDV Maldives
MW MWI Malawi|MX MEX Mexico/México|MY MYS Malaysia|MZ MOZ Mozambique/Moçambique|NA NAM Namibia|NC NCL New Caledonia|NE NER Niger
NF NFK Norfolk Island|NG NGA Nigeria|NI NIC Nicaragua|NL NLD Netherlands/The Netherlands/Holland/Nederland|NO NOR Norway/Norge
NP NPL Nepal/नेपाल|NR NRU Nauru|NU NIU Niue|NZ NZL New Zealand/Aotearoa|OM OMN Oman/عمان|PA PAN Panama/Panamá|PE PER Peru/Perú
PF PYF French Polynesia|PG PNG Papua New Guinea|PH PHL Philippines/The Philippines/Pilipinas|PK PAK Pakistan/پاکستان|PL POL Poland/Polska
PM SPM Saint Pierre and Miquelon|PN PCN Pitcairn|PR PRI Puerto Rico|PS PSE Palestine/State of Palestine/Palestinian Territories/فلسطين
PT PRT Portugal|PW PLW Palau|PY PRY Paraguay|QA QAT Qatar/قطر|RE REU Réunion|RO ROU Romania/România|RS SRB Serbia/Srbija/Србија
RU RUS Russia/Russian Federation/Россия|RW RWA Rwanda|SA SAU Saudi Arabia/Kingdom of Saudi Arabia/KSA/السعودية|SB SLB Solomon Islands
SC SYC Seychelles|SD SDN Sudan/السودان|SE SWE Sweden/Sverige|SG SGP Singapore/新加坡|SH SHN Saint Helena|SI SVN Slovenia/Slovenija
SJ SJM Svalbard and Jan Mayen|SK SVK Slovakia/Slovensko/Slovak Republic|SL SLE Sierra Leone|SM SMR San Marino|SN SEN Senegal/Sénégal
SO SOM Somalia/Soomaaliya|SR SUR Suriname|SS SSD South Sudan|ST STP São Tomé and Príncipe|SV SLV El Salvador|SX SXM Sint Maarten
SY SYR Syria/Syrian Arab Republic/سوريا|SZ SWZ Eswatini/Swaziland|TC TCA Turks and Caicos Islands|TD TCD Chad/Tchad
TF ATF French Southern Territories|TG TGO Togo|TH THA Thailand/ประเทศไทย|TJ TJK Tajikistan|TK TKL Tokelau|TL TLS Timor-Leste/East Timor
TM TKM Turkmenistan|TN TUN Tunisia/Tunisie/تونس|TO TON Tonga|TR TUR Turkey/Türkiye|TT TTO Trinidad and Tobago/Trinidad|TV TUV Tuvalu
TW TWN Taiwan/台灣/Taiwan, Province of China|TZ TZA Tanzania/United Republic of Tanzania|UA UKR Ukraine/Україна|UG UGA Uganda
UM UMI U.S. Minor Outlying Islands|US USA United States/United States of America/America|UY URY Uruguay|UZ UZB Uzbekistan/Oʻzbekiston
VA VAT Vatican City/Holy See/Vatican|VC VCT Saint Vincent and the Grenadines/Saint Vincent
VE VEN Venezuela/Bolivarian Republic of Venezuela|VG VGB British Virgin Islands/Virgin Islands (British)/Virgin Islands (UK)
VI VIR U.S. Virgin Islands/Virgin Islands (U.S.)|VN VNM Vietnam/Việt Nam|VU VUT Vanuatu|WF WLF Wallis and Futuna|WS WSM Samoa
YE YEM Yemen/اليمن|YT MYT Mayotte|ZA ZAF South Africa|ZM ZMB Zambia|ZW ZWE Zimbabwe|XK XKX Kosovo/Kosova
"""
"""`alpha-2 alpha-3 name/other name/...`; Kosovo has the code that its users use, for ISO has none."""
