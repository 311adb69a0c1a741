// Texts as the tokenizer reads them: characters are normalized one by one, cut into words, and words into tokens (WordPiece).
//
// What becomes of each character, and of which class it is, is asked of the tokenizer itself when the skill is exported
// (characters.json): browsers have Unicode tables of different ages.

const DROPPED = 1; // no part of what is read
const SPACE = 2; // parts words
const PADDED = 4; // a word of its own, whatever stands beside it
const LETTER = 8;
const NUMBER = 16;
const MARK = 32; // belongs to the word before it, where it is not read

const CLASSES = { dropped: DROPPED, spaces: SPACE, padded: PADDED, letters: LETTER, numbers: NUMBER, marks: MARK };
const NUM_CHARACTERS = 0x110000;
const REPLACEMENT = "\ufffd";
const HANGUL = [0xac00, 0xd7a3];

/**
 * A token of a text.
 * @typedef {object} Token
 * @property {number} id number in the vocabulary
 * @property {number} word number of the word that it is a part of
 * @property {number} start its first character, in code points
 * @property {number} end one past its last
 */

/** What becomes of each character of a text. */
export class Characters {
  /** @param {object} table the content of characters.json */
  constructor(table) {
    this._classes = new Uint8Array(NUM_CHARACTERS);
    for (const [name, bit] of Object.entries(CLASSES)) {
      this._mark(table[name], bit);
    }
    this._mapped = new Map(Object.entries(table.mapped));
    this._order = new Map(table.order);
  }

  /** Ranges are pairs: how many characters lie between the last range and this one, and how many are in it. */
  _mark(ranges, bit) {
    let place = 0;
    for (let index = 0; index < ranges.length; index += 2) {
      const start = place + ranges[index];
      place = start + ranges[index + 1];
      for (let code = start; code < place; code++) this._classes[code] |= bit;
    }
  }

  /**
   * Whether a character belongs to the word before it where the tokenizer drops it, as combining marks do.
   * @param {string} character
   */
  isMark(character) {
    return (this._classes[character.codePointAt(0)] & MARK) !== 0;
  }

  /**
   * The words of a text: what is read of each, and of which characters that was made.
   * @param {string[]} characters those of the text, by code point
   * @returns {{text: string[], places: number[]}[]}
   */
  words(characters) {
    const words = [];
    let last = 0; // class of the word that may go on
    for (const { character, place, isAlone } of this._normalized(characters)) {
      const own = this._classes[character.codePointAt(0)];
      if (own & SPACE) {
        last = 0;
        continue;
      }
      const kind = own & (LETTER | NUMBER);
      if (kind === 0 || isAlone || kind !== last) words.push({ text: [], places: [] });
      const word = words[words.length - 1];
      word.text.push(character);
      word.places.push(place);
      last = isAlone ? 0 : kind;
    }
    return words;
  }

  /** @param {string[]} characters */
  _normalized(characters) {
    const found = [];
    characters.forEach((character, place) => {
      const code = character.codePointAt(0);
      const own = this._classes[code];
      const isRead = (own & DROPPED) === 0;
      if (!isRead && !this._order.has(character)) return;
      for (const read of this._read(character, code)) {
        found.push({ character: read, place, isAlone: (own & PADDED) !== 0, isRead });
      }
    });
    return this._inOrder(found).filter(({ isRead }) => isRead);
  }

  _read(character, code) {
    if (code >= HANGUL[0] && code <= HANGUL[1]) return character.normalize("NFD");
    return this._mapped.get(character) ?? character;
  }

  /** Combining marks that stand together are read in the order of their classes; where they were said is told by the order in which they stood. */
  _inOrder(found) {
    const classOf = ({ character }) => this._order.get(character) ?? 0;
    for (let start = 0; start < found.length; start++) {
      let end = start;
      while (end < found.length && classOf(found[end]) > 0) end++;
      if (end - start < 2) continue;
      const run = found.slice(start, end);
      const sorted = [...run].sort((first, second) => classOf(first) - classOf(second));
      found.splice(start, run.length, ...sorted.map((mark, index) => ({ ...mark, place: run[index].place })));
      start = end;
    }
    return found;
  }
}

/** The tokenizer of an exported skill. */
export class Tokenizer {
  /**
   * @param {object} description the content of tokenizer.json
   * @param {Characters} characters
   */
  constructor(description, characters) {
    const model = description.model;
    this.characters = characters;
    this._vocabulary = new Map(Object.entries(model.vocab));
    this._continuation = model.continuing_subword_prefix;
    this._longest = model.max_input_chars_per_word;
    this._unknown = this._vocabulary.get(model.unk_token);
  }

  /** How many tokens there are. */
  get size() {
    return this._vocabulary.size;
  }

  /**
   * The tokens of a text. Halves of characters (lone surrogates) are read as characters that the tokenizer doesn't know.
   * @param {string[]} characters those of the text, by code point
   * @returns {Token[]}
   */
  encode(characters) {
    const readable = characters.map((character) => (isHalf(character) ? REPLACEMENT : character));
    return this.characters.words(readable).flatMap((word, number) => this._tokens(word, number));
  }

  _tokens({ text, places }, word) {
    const token = (id, first, stop) => ({ id, word, start: places[first], end: places[stop - 1] + 1 });
    const tokens = [];
    for (let first = 0; first < text.length; ) {
      const found = text.length <= this._longest ? this._longestToken(text, first) : undefined;
      if (found === undefined) return [token(this._unknown, 0, text.length)];
      tokens.push(token(found.id, first, found.stop));
      first = found.stop;
    }
    return tokens;
  }

  /** The longest token that the rest of a word begins with; undefined if there is none. */
  _longestToken(text, first) {
    const prefix = first > 0 ? this._continuation : "";
    for (let stop = text.length; stop > first; stop--) {
      const id = this._vocabulary.get(prefix + text.slice(first, stop).join(""));
      if (id !== undefined) return { id, stop };
    }
    return undefined;
  }
}

function isHalf(character) {
  return character.length === 1 && character >= "\ud800" && character <= "\udfff";
}
