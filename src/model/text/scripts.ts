/** The scripts that the reference tells apart (those of Unicode 9); the commonest come first. */
const SCRIPTS = (
  'Latin Common Han Hiragana Katakana Inherited Cyrillic Greek Adlam Ahom ' +
  'Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali ' +
  'Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian ' +
  'Caucasian_Albanian Chakma Cham Cherokee Coptic Cuneiform Cypriot Deseret Devanagari ' +
  'Duployan Egyptian_Hieroglyphs Elbasan Ethiopic Georgian Glagolitic Gothic Grantha ' +
  'Gujarati Gurmukhi Hangul Hanunoo Hatran Hebrew Imperial_Aramaic Inscriptional_Pahlavi ' +
  'Inscriptional_Parthian Javanese Kaithi Kannada Kayah_Li Kharoshthi Khmer Khojki ' +
  'Khudawadi Lao Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Malayalam ' +
  'Mandaic Manichaean Marchen Meetei_Mayek Mende_Kikakui Meroitic_Cursive ' +
  'Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean New_Tai_Lue ' +
  'Newa Nko Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic ' +
  'Old_Persian Old_South_Arabian Old_Turkic Oriya Osage Osmanya Pahawh_Hmong Palmyrene ' +
  'Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra ' +
  'Sharada Shavian Siddham SignWriting Sinhala Sora_Sompeng Sundanese Syloti_Nagri Syriac ' +
  'Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangut Telugu Thaana Thai ' +
  'Tibetan Tifinagh Tirhuta Ugaritic Vai Warang_Citi Yi'
).split(' ');

const tests = SCRIPTS.map((script) => ({ script, is: new RegExp(`^\\p{Script=${script}}`, 'u') }));
const seen = new Map<string, string | null>();

/**
 * A character's script as sentencepiece sees it: kana are Han, and a space, like what Unicode 9 had
 * not, goes with any (null).
 */
export function scriptOf(char: string): string | null {
  if (char === ' ') return null;
  if (char === 'ー') return 'Han';
  let script = seen.get(char);
  if (script === undefined) {
    script = tests.find(({ is }) => is.test(char))?.script ?? null;
    if (script === 'Hiragana' || script === 'Katakana') script = 'Han';
    if (seen.size < 50_000) seen.set(char, script);
  }
  return script;
}
